/** Of one that shares memory with others. Bytes. */
interface Share {
  readonly budget: number;
  /** What it has now. */
  readonly footprint: number;
  /** Less than this is no use to it. */
  readonly leastAllowance: number;
}

/**
 * How much each of several may have, together no more than what they have and what there is room for: all of
 * its budget, if that is possible; otherwise what it has, and of the room in proportion to what it lacks; or,
 * when there is none, what it has, less in proportion to that.
 * @param room bytes that are free for them; below 0: that they have to give up
 * @returns for each, in the same order
 */
export function allowances(shares: readonly Share[], room: number): number[] {
  const has = sumOf(shares, ({ footprint }) => footprint);
  const lacks = sumOf(shares, lackOf);
  return shares.map(share => {
    const { budget, footprint, leastAllowance } = share;
    if (room >= lacks) return budget;
    const more = room >= 0 ? (room * lackOf(share)) / lacks : (room * footprint) / Math.max(1, has);
    return Math.floor(Math.min(budget, Math.max(leastAllowance, footprint + more)));
  });
}

function lackOf({ budget, footprint }: Share): number {
  return Math.max(0, budget - footprint);
}

function sumOf(shares: readonly Share[], bytesOf: (share: Share) => number): number {
  return shares.reduce((sum, share) => sum + bytesOf(share), 0);
}
