import { ArgumentError, describe } from '../base/error.ts';

/**
 * The error of content that is neither a string nor bytes; of what is read over time, it names what reads it.
 * @param operation what was attempted
 * @param wanted what is wanted, as a sentence's subject
 */
export function refusedContent(operation: string, wanted: string, given: unknown): ArgumentError {
  const way = isReadLater(given) ? '; await Aggregate.fromStream(it, { pool })' : '';
  return new ArgumentError(`Cannot ${operation}: ${wanted} wanted, ${describe(given)} was given${way}`);
}

/** Whether it is a Blob, a stream or the like. */
function isReadLater(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return isBlob(value) || Symbol.asyncIterator in value || 'getReader' in value;
}

/** Whether it is a Blob or a File, of Node.js or of a library that stands in for it. */
export function isBlob(value: object): value is Blob {
  const { stream, arrayBuffer } = value as Partial<Blob>;
  return typeof stream === 'function' && typeof arrayBuffer === 'function';
}
