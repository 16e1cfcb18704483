import { Blob } from 'node:buffer';
import { ArgumentError, describe } from '../os/error.ts';
import type { Aggregate } from './aggregate.ts';

/** See {@link Aggregate.toBlob}. */
export function blobOf(aggregate: Aggregate, type: string): Blob {
  if (typeof type !== 'string') {
    throw new ArgumentError(`Cannot make blob: a media type is wanted, ${describe(type)} was given`);
  }
  // The constructor copies the parts.
  return new Blob(aggregate.views(), { type });
}
