import { Blob } from 'node:buffer';
import { ArgumentError, describe } from '../base/error.ts';
import type { ByteSequence } from './byte-sequence.ts';

/** See {@link Aggregate.toBlob}. */
export function blobOf(sequence: ByteSequence, type: string): Blob {
  if (typeof type !== 'string') {
    throw new ArgumentError(`Cannot make blob: a media type is wanted, ${describe(type)} was given`);
  }
  // The constructor copies the parts.
  return new Blob(sequence.views(), { type });
}
