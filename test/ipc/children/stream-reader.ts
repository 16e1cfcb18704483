/** Reads streams as the head of each says, and answers requests with what it read. */
import { createHash } from 'node:crypto';
import { parentChannel } from '../../../src/ipc/index.ts';
import type { IncomingStream } from '../../../src/ipc/stream/incoming-stream.ts';

const channel = parentChannel();
const digests = new Map<string, Promise<string>>();
const held: unknown[] = [];

async function digest(stream: IncomingStream): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of stream) {
    for (const view of piece.views()) hash.update(view);
    piece.release();
  }
  return hash.digest('hex');
}

channel.onRequest(async ({ head }) => {
  const { ask, name } = head as { ask: string; name: string };
  if (ask === 'digest') return { head: (await digests.get(name)) ?? null };
  return { head: null };
});

for await (const { head, stream } of channel) {
  const { name, keep } = head as { name: string; keep?: boolean };
  if (stream === undefined) continue;
  if (keep) held.push(stream);
  else digests.set(name, digest(stream));
}
