import crypto from 'node:crypto';

/** A machine that may own something. */
export interface Candidate {
  readonly name: string;
  readonly weight: number;
}

const DRAWN_BYTES = 6;
const POSSIBLE_DRAWS = 2 ** (8 * DRAWN_BYTES);

/**
 * Who owns a target, by rendezvous hashing: all machines that know of the same ones say the same, and where
 * one leaves, only what it had goes to others. In proportion to their weights. O(candidates).
 */
export function ownerAmong<C extends Candidate>(candidates: Iterable<C>, target: string): C | undefined {
  let owner: C | undefined;
  let best = 0;
  for (const candidate of candidates) {
    const { name, weight } = candidate;
    const digest = crypto.hash('sha256', `${name} ${target}`, 'buffer');
    // Between 0 and 1, and neither.
    const drawn = (digest.readUIntBE(0, DRAWN_BYTES) + 0.5) / POSSIBLE_DRAWS;
    const score = -weight / Math.log(drawn);
    if (score > best) {
      best = score;
      owner = candidate;
    }
  }
  return owner;
}
