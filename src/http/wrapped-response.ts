import { once } from 'node:events';
import { ServerResponse } from 'node:http';
import { Http2ServerResponse } from 'node:http2';
import type { Aggregate } from '../aggregate/aggregate.ts';
import type { NodeResponse } from './node-adapter.ts';

/** So much of a body is copied at a time. */
const PIECE = 64 * 1024;

/** Whether a middleware stands in for the methods that the body is written with, as one that compresses, or hashes. */
export function isWrapped(response: NodeResponse): boolean {
  const { write, end } = 'stream' in response ? Http2ServerResponse.prototype : ServerResponse.prototype;
  return response.write !== write || response.end !== end;
}

/**
 * Writes to a response whose methods others stand in for. What they are given they may keep, and they call nobody back when
 * they are done with it: they get copies, as fast as write() and 'drain' let them.
 * @returns when all was taken over, or the client is gone: how many bytes
 */
export async function writeCopied(response: NodeResponse, body: Aggregate): Promise<number> {
  let taken = 0;
  while (taken < body.length && !response.destroyed && !response.writableEnded) {
    const end = Math.min(taken + PIECE, body.length);
    const bytes = Buffer.allocUnsafeSlow(end - taken);
    body.copyTo(bytes, 0, taken, end);
    taken = end;
    if ((response as ServerResponse).write(bytes) === false) await roomOrEnd(response);
  }
  return taken;
}

async function roomOrEnd(response: NodeResponse): Promise<void> {
  if (response.destroyed) return;
  const waiting = new AbortController();
  const { signal } = waiting;
  // The end that matters is told as an abort: to listen for 'close' by once() would reject at an 'error'.
  const end = (): void => waiting.abort();
  response.once('close', end);
  try {
    await once(response, 'drain', { signal });
  } catch {
    // The client is gone, which the loop sees.
  } finally {
    response.off('close', end);
  }
}
