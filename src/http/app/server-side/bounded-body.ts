import { Aggregate } from '../../../aggregate/aggregate.ts';
import { tooLong } from './app-limits.ts';

/** Who watches a body while it is sent. */
export interface BodyWatch {
  /** A piece of it came. */
  progress(): void;
  /** It is too long, or its source failed. */
  failed(error: unknown): void;
}

/**
 * The pieces of a body that may have `limit` bytes. @throws ERR_IOLITE_TOO_LONG beyond; what the source fails
 * with
 */
export async function* boundedBody(
  pieces: AsyncIterable<Aggregate>,
  limit: number,
  watch: BodyWatch,
): AsyncGenerator<Aggregate> {
  let length = 0;
  try {
    for await (const piece of pieces) {
      length += piece.length;
      if (length > limit) {
        piece.release();
        throw tooLong(limit);
      }
      watch.progress();
      yield piece;
    }
  } catch (error) {
    watch.failed(error);
    throw error;
  }
}

/** A body of `length` bytes at most, all of it; the caller's to release. @throws as {@link boundedBody} */
export async function wholeBody(pieces: AsyncIterable<Aggregate>, length: number): Promise<Aggregate> {
  const whole = Aggregate.empty();
  try {
    for await (const piece of pieces) {
      using taken = piece;
      whole.append(taken);
      if (whole.length > length) throw tooLong(length);
    }
    return whole;
  } catch (error) {
    whole.release();
    throw error;
  }
}
