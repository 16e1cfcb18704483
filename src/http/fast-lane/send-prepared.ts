import type { Aggregate } from '../../aggregate/aggregate.ts';
import { isStream, type PreparedAnswer, releaseBody } from './prepared-answer.ts';

const LINE_END = Buffer.from('\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/**
 * Sends an answer, piece by piece where its body is a stream.
 * @param send sends parts, taken over, behind those before; resolves when the kernel has taken them
 * @param sent told the length of each part of a stream that was taken
 * @throws what the stream or the sending failed with; the stream is closed then
 */
export async function sendPrepared(
  { head, body, framing }: PreparedAnswer,
  send: (parts: readonly (Buffer | Aggregate)[]) => Promise<void>,
  sent: (length: number) => void,
): Promise<void> {
  if (!isStream(body)) return send(body === undefined ? head : [...head, body]);
  const chunked = framing === 'chunked';
  try {
    await send(head);
  } catch (error) {
    releaseBody(body);
    throw error;
  }
  for await (const part of body) {
    // Sending it releases it.
    const { length } = part;
    if (length === 0) part.release();
    else if (!chunked) await send([part]);
    else await send([Buffer.from(`${length.toString(16)}\r\n`), part, LINE_END]);
    sent(length);
  }
  if (chunked) await send([LAST_CHUNK]);
}
