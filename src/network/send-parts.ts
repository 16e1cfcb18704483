import { Aggregate } from '../aggregate/aggregate.ts';

/**
 * What is sent together, in order. Bytes stay unchanged; aggregates are taken over, and released when the
 * stream is done with them.
 */
export type SendParts = readonly (Buffer | Aggregate)[];

/** Releases the aggregates among them that are not released yet. */
export function releaseSendParts(parts: SendParts): void {
  for (const part of parts) {
    if (Aggregate.isAggregate(part) && !part.released) part.release();
  }
}
