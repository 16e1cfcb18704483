import { ArgumentError, describe } from '../../base/error.ts';
import { ChunkPool } from '../../memory/chunk-pool.ts';

/** Throws ERR_IOLITE_ARGUMENT unless options are an object. */
export function checkOptions(options: unknown, operation: string): asserts options is object {
  if (typeof options === 'object' && options !== null) return;
  throw new ArgumentError(`Cannot ${operation}: options are wanted, ${describe(options)} was given`);
}

/** Throws ERR_IOLITE_ARGUMENT unless a signal, if one was given, is one. */
export function checkSignal(signal: unknown, operation: string): asserts signal is AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw new ArgumentError(`Cannot ${operation}: an AbortSignal is wanted, ${describe(signal)} was given`);
}

/** Throws ERR_IOLITE_ARGUMENT unless `pool` is one. */
export function checkPool(pool: unknown, operation: string): asserts pool is { readonly chunks: ChunkPool } {
  if ((pool as { chunks?: unknown } | undefined)?.chunks instanceof ChunkPool) return;
  throw new ArgumentError(`Cannot ${operation}: a pool is wanted, ${describe(pool)} was given`);
}
