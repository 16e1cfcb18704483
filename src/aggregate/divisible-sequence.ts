import type { ByteSequence } from './byte-sequence.ts';

/**
 * A sequence whose parts share its memory, to be released on their own: of an aggregate they are aggregates.
 */
export interface DivisibleSequence<Part extends ByteSequence> extends ByteSequence {
  slice(start?: number, end?: number): Part;
  duplicate(): Part;
}
