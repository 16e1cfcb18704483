import { Aggregate } from '../../aggregate/aggregate.ts';

/**
 * The body of an answer: bytes that are there, or an iterable of pieces that whoever sends them releases; the
 * iterable is taken to its end or closed.
 */
export type Body = Aggregate | BodyStream;

/** A body piece by piece. */
export interface BodyStream extends AsyncIterable<Aggregate> {
  /** Whether its pieces come soon, as those of a file: see PendingAnswer of exchange.ts. */
  readonly comesSoon?: boolean;
}

/** The body of a request, piece by piece: each is the reader's to release. To be read once. */
export interface RequestBody extends AsyncIterable<Aggregate> {
  /**
   * All of it, the caller's to release: if it is there already and nobody has begun to read it. Then it costs
   * no promise. Undefined otherwise: it is to be read.
   */
  whole?(): Aggregate | undefined;
}

/** Whether a body comes piece by piece. */
export function isStream(body: Body | undefined): body is BodyStream {
  return body !== undefined && !Aggregate.isAggregate(body);
}

/**
 * Lets go of a body that is not sent: releases it, or closes it, of which the end is not waited for. What
 * closing it fails with is nobody's concern any more. One that was released before stays so.
 */
export function releaseBody(body: Body | undefined): void {
  if (body === undefined) return;
  if (Aggregate.isAggregate(body)) {
    body[Symbol.dispose]();
    return;
  }
  Promise.resolve(body[Symbol.asyncIterator]().return?.()).catch(() => {});
}
