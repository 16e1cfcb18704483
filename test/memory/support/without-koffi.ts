/** What a program finds out that cannot have koffi. */
export interface WithoutKoffi {
  /** Of a pool that is to be on the heap, and of two that nothing is said of. */
  readonly memories: readonly string[];
  /** How many warnings the first of them made. */
  readonly unexpected: number;
  readonly warnings: { name: string; message: string; code: string | undefined }[];
  readonly refused: string;
}
