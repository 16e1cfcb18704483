/** One request, as a line of a trace tells it. */
export interface TraceLine {
  readonly name: string;
  /** In bytes. Undefined where it is not told. */
  readonly size: number | undefined;
}
