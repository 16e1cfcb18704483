import assert from 'node:assert/strict';
import { constants, writeSync } from 'node:fs';
import { createPool } from '../../../src/aggregate/pool.ts';
import type { Channel } from '../../../src/ipc/channel.ts';
import { connect } from '../../../src/ipc/meet/connect.ts';
import { listen } from '../../../src/ipc/meet/listen.ts';
import type { Message } from '../../../src/ipc/message.ts';
import { openInput } from '../../../src/ipc/pipe/open-input.ts';
import { identifyPipe } from '../../../src/ipc/pipe/pipe-identity.ts';
import { PipeWriter } from '../../../src/ipc/pipe/pipe-writer.ts';
import { holdingsReturnTo, settledHoldings } from '../../support/holdings.ts';
import { hostileTest } from '../../support/standstill.ts';
import { watchdog } from '../../support/watchdog.ts';
import { NamedPipe } from './support/named-pipe.ts';

const { O_RDONLY, O_RDWR, O_WRONLY } = constants;
const refused = new Error('no');

function endpointOf(fd: number): string {
  return identifyPipe(fd)?.endpoint ?? assert.fail('it is no pipe');
}

/** What a program reads of a pipe in which 'plain' was put, whose writer also is as `answer` says. */
async function readFrom(answer: (channel: Channel) => Promise<Message>, ends: boolean): Promise<string[]> {
  using pipe = new NamedPipe();
  using pool = createPool();
  const fd = pipe.open(O_RDONLY);
  const writing = pipe.open(O_WRONLY);
  const endpoint = await listen(endpointOf(fd));
  endpoint.on('channel', channel => {
    channel.onRequest(() => answer(channel));
    if (ends) channel.on('close', () => writeSync(writing, ' after'));
  });
  const parts: string[] = [];
  try {
    writeSync(writing, 'plain');
    const input = openInput(fd, { pool, upgradeAfter: 0 });
    const read = async (): Promise<void> => {
      for await (const part of input) {
        parts.push(part.toString());
        part.release();
        if (parts.join('').endsWith(ends ? 'after' : 'last')) break;
      }
    };
    await watchdog(read(), 'the input');
  } finally {
    await endpoint.close();
  }
  return parts;
}

hostileTest(
  'what a writer sends that then refuses is not shown, and not kept; plain bytes come',
  async () => {
    using pool = createPool();
    using body = pool.from('not asked for');
    const held = await settledHoldings();
    const parts = await readFrom(async channel => {
      for (let i = 0; i < 8; i++) channel.request({ body }).catch(() => {});
      await new Promise(setImmediate);
      throw refused;
    }, true);
    assert.equal(parts.join(''), 'plain after');
    await holdingsReturnTo(held);
  },
);

hostileTest('bodies of nothing are no pieces, and a body in an answer is let go of', async () => {
  using pool = createPool();
  using body = pool.from('an answer has none');
  using nothing = body.slice(0, 0);
  using last = pool.from('last');
  const held = await settledHoldings();
  const parts = await readFrom(async channel => {
    setImmediate(async () => {
      for (let i = 0; i < 8; i++) await channel.request({ body: nothing }).catch(() => {});
      await channel.request({ body: last }).catch(() => {});
    });
    return { body: body.duplicate() };
  }, false);
  assert.deepEqual(parts, ['plain', 'last']);
  await holdingsReturnTo(held);
});

hostileTest('who does not read a pipe is not waited for, and who reads it asks once', async () => {
  using pipe = new NamedPipe();
  const reading = pipe.open(O_RDONLY);
  const fd = pipe.open(O_WRONLY);
  const writer = (await PipeWriter.open(fd)) ?? assert.fail('there is no writer');
  pipe.close(reading);
  const stranger = await watchdog(connect(endpointOf(fd)), 'a channel');
  await assert.rejects(stranger.request({ head: { pipe: 'read' } }), { code: 'ERR_IOLITE_ACCESS' });
  stranger.destroy();
  const silent = await watchdog(connect(endpointOf(fd)), 'a channel');
  assert.equal(writer.isWanted, false);
  silent.destroy();
  pipe.open(O_RDWR);
  const reader = await watchdog(connect(endpointOf(fd)), 'a channel');
  const first = reader.request({ head: { pipe: 'read' } });
  await assert.rejects(reader.request({ head: { pipe: 'read' } }), { code: 'ERR_IOLITE_ACCESS' });
  assert.equal(await writer.takeUp(), true);
  await watchdog(first, 'the answer');
  reader.destroy();
  await writer.end();
});
