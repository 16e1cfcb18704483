/**
 * An endpoint that takes, reads and answers what comes, and watches how long its event loop stands still. It
 * is attacked by others, so what the attack costs them does not count.
 */

import type { Channel } from '../../../src/ipc/channel.ts';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';
import { listen } from '../../../src/ipc/meet/listen.ts';
import { Standstill } from '../../support/standstill.ts';

const [path = ''] = process.argv.slice(2);
const endpoint = await listen(path);
const standstill = new Standstill();
const codes: string[] = [];
endpoint.on('channel', channel => {
  channel.on('close', error => codes.push((error as { code?: string } | undefined)?.code ?? 'closed'));
  channel.onRequest(({ body }) => {
    body?.release();
    return { head: 'answer' };
  });
  void read(channel).catch(() => {});
});

async function read(channel: Channel): Promise<void> {
  for await (const { body, stream } of channel) {
    body?.release();
    if (stream !== undefined) void drain(stream).catch(() => {});
  }
}

async function drain(stream: AsyncIterable<{ release(): void }>): Promise<void> {
  for await (const piece of stream) piece.release();
}

parentChannel().onRequest(() => ({ head: { longest: standstill.take(), codes: codes.splice(0) } }));
