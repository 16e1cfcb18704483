import { Aggregate } from '../../aggregate/aggregate.ts';
import { commit } from '../../aggregate/tree/fill.ts';
import type { ChunkPool } from '../../memory/chunk-pool.ts';

const BLOCK_BYTES = 1024 ** 2;

/** One buffer of zeros, as often as needed. The caller releases it. */
export function zeros(length: number, pool: ChunkPool): Aggregate {
  const size = Math.min(length, BLOCK_BYTES);
  const reservation = pool.reserve(size);
  reservation.bytes.fill(0);
  using block = new Aggregate(commit(pool, reservation, size));
  const whole = new Aggregate(undefined, pool);
  for (let left = length; left > 0; left -= size) {
    using piece = block.slice(0, left);
    whole.append(piece);
  }
  return whole;
}
