import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import { MessageKind } from '../../src/ipc/wire/frame.ts';
import { closeDescriptor } from '../../src/os/descriptor.ts';
import { Family } from '../support/family.ts';
import { HELLO, Hostile, messageFrame, Sample } from '../support/hostile.ts';
import { NoDescriptors } from '../support/no-descriptors.ts';
import { Program } from '../support/program.ts';
import { isRoot, NOBODY, PublicProgram } from '../support/public-program.ts';
import { watchdog } from '../support/watchdog.ts';

const CHILD = new URL('./children/short-of-descriptors.ts', import.meta.url);
const CHUNK_BYTES = 64 * 1024;
const COUNT = 100;

for (const program of ['releases', 'keeps'] as const) {
  test(`a receiver that ${program} what it gets loses nothing at its limit of descriptors`, async () => {
    await using family = new Family();
    const { channel } = await family.fork(CHILD, [program]);
    using pool = createPool({ chunkSize: CHUNK_BYTES });
    const bodies: Aggregate[] = [];
    // Each has a chunk of its own, which stays.
    const sending = (async () => {
      for (let i = 0; i < COUNT; i++) {
        const body = pool.from(
          String(i)
            .padStart(8, '0')
            .padEnd(CHUNK_BYTES - 4096),
        );
        bodies.push(body);
        await channel.send({ body });
      }
    })();
    await watchdog(sending, 'the bodies to leave');
    const answer = async (): Promise<{ texts: number }> =>
      (await watchdog(channel.request({}), 'the answer')).head as { texts: number };
    let answered = await answer();
    while (answered.texts < COUNT) answered = await answer();
    assert.deepEqual(answered, { texts: COUNT, isRight: true, isFull: program === 'keeps' });
    for (const body of bodies) body.release();
  });
}

test('a send waits while too many descriptors are on their way to peers that take none', {
  skip: isRoot ? false : 'only root can start a process of another user, whom the limit holds for',
}, async () => {
  using program = new PublicProgram(new URL('./chunks/children/in-flight.ts', import.meta.url));
  await using child = new Program(program.url, [], { ...NOBODY, execArgv: [], cwd: program.folder });
  assert.deepEqual(await child.line(), { isLimited: true, meanwhile: 'waits', text: 'body 0' });
});

test('a chunk that comes when there is no descriptor at all is taken once there is one', async () => {
  using sample = new Sample();
  using hostile = new Hostile();
  hostile.peer.write(HELLO);
  await watchdog(hostile.channel.ready(), 'the greeting');
  const fd = sample.descriptor();
  hostile.pass(1, fd);
  closeDescriptor(fd);
  const full = new NoDescriptors();
  hostile.peer.write(sample.grant(1), messageFrame(MessageKind.ONE_WAY, 0, { slices: [sample.slice(1)] }));
  for (let i = 0; i < 50; i++) await turn();
  full[Symbol.dispose]();
  const delivered = async (): Promise<void> => {
    while (hostile.messages.length === 0 && !hostile.channel.closed) await turn();
  };
  await watchdog(delivered(), 'the message');
  assert.equal(hostile.messages.length, 1);
});
