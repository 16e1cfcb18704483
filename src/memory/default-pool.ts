import { ChunkPool } from './chunk-pool.ts';

let pool: ChunkPool | undefined;

/** The pool of aggregates that came from none: made when first needed, for processes of the same user. */
export function defaultPool(): ChunkPool {
  pool ??= new ChunkPool({ name: 'default' });
  return pool;
}
