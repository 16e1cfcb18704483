const LENGTHS = [4096, 300_000, 100, 64 * 1024, 3 * 1024 ** 2];

/** Bytes of version `n` of a file whose versions all have their numbers in them, and nothing else. */
export function lengthOf(n: number): number {
  return LENGTHS[n % LENGTHS.length] as number;
}
