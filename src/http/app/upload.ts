import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { Channel } from '../../ipc/channel.ts';
import type { Json, Message } from '../../ipc/message.ts';
import { type AppLimits, tooLate, tooLong } from './app-limits.ts';

/**
 * Sends a request whose body comes as a stream: the head, then the pieces as the application reads them. The application
 * may answer before it has read all; then the rest is left, and whoever has the connection sees to it.
 * @param head of the request
 * @param pieces its body
 * @returns the answer
 * @throws as Channel.request; ERR_IOLITE_TOO_LONG when the body is too long; what it failed with
 */
export async function upload(
  channel: Channel,
  request: { readonly id: number; readonly head: Json; readonly pieces: AsyncIterable<Aggregate> },
  { timeout, maxBodyBytes }: AppLimits,
  signal: AbortSignal,
): Promise<Message> {
  const ending = new AbortController();
  const leave = (): void => ending.abort(signal.reason);
  if (signal.aborted) leave();
  else signal.addEventListener('abort', leave, { once: true });
  const timer = setTimeout(() => ending.abort(tooLate(timeout)), timeout);
  const answered = channel.request({ head: request.head }, { signal: ending.signal });
  channel
    .sendStream(
      bounded(request.pieces, maxBodyBytes, ending, () => timer.refresh()),
      {
        head: request.id,
        signal: ending.signal,
      },
    )
    // Not to read a body is the application's right. That it failed is told by bounded().
    .catch(() => {});
  try {
    return await answered;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', leave);
  }
}

/** The pieces, as long as they may be. What they fail with ends the request, too. */
async function* bounded(
  pieces: AsyncIterable<Aggregate>,
  limit: number,
  ending: AbortController,
  progress: () => void,
): AsyncGenerator<Aggregate> {
  let length = 0;
  try {
    for await (const piece of pieces) {
      length += piece.length;
      if (length > limit) {
        piece.release();
        throw tooLong(limit);
      }
      progress();
      yield piece;
    }
  } catch (error) {
    ending.abort(error);
    throw error;
  }
}
