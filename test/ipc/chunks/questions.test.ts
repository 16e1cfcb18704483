import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { isWritten } from '../../../src/aggregate/tree/facts.ts';
import { SentRanges, writeQuestion } from '../../../src/ipc/chunks/questions.ts';
import { FrameType, FrameWriter } from '../../../src/ipc/wire/frame.ts';
import type { ContentRange } from '../../../src/memory/chunk.ts';
import { Family } from '../../support/family.ts';
import { HELLO, Hostile, rawFrame } from '../../support/hostile.ts';
import { hostileTest } from '../../support/standstill.ts';
import { watchdog } from '../../support/watchdog.ts';

const DOMAIN = new URL('../../aggregate/children/facts.ts', import.meta.url);
const KiB = 1024;

const rangesOf = (body: Aggregate): ContentRange[] =>
  body.slices().map(({ lease: { chunk, generation }, start, end }) => ({ chunk, generation, start, end }));

/** Until the owner of a body has written down facts of it. */
async function written(body: Aggregate, names: readonly string[]): Promise<void> {
  const all = async (): Promise<void> => {
    while (!names.every(name => isWritten(name, rangesOf(body)))) await setImmediate();
  };
  await watchdog(all(), 'facts to be written down');
}

const FACTS = ['sha256', 'crc32', 'newlines'];

/** Other bytes than what facts are of. */
function spoil(body: Aggregate): void {
  for (const { memory } of body.slices()) memory.fill('\n');
}

test('what one domain has derived the owner derives too, and all others find it', async () => {
  await using family = new Family();
  using pool = createPool();
  const bytes = Buffer.alloc(1300 * KiB, 'derived\n');
  using body = pool.from(bytes);
  const ask = async (): Promise<unknown> => {
    const { channel } = await family.fork(DOMAIN);
    return (await watchdog(channel.request({ head: { ask: 'derive' }, body }), 'facts')).head;
  };
  const known = await ask();
  assert.equal((known as { sha256: string }).sha256, createHash('sha256').update(bytes).digest('hex'));
  await written(body, FACTS);
  spoil(body);
  assert.deepEqual(await ask(), known);
  assert.equal(body.digest('sha256'), (known as { sha256: string }).sha256);
});

test('a question goes on to the owner through whoever passed the bytes on', async () => {
  await using family = new Family();
  using pool = createPool();
  using body = pool.from(Buffer.alloc(200 * KiB, 'passed on\n'));
  const between = (await family.fork(DOMAIN)).channel;
  const last = (await family.fork(DOMAIN)).channel;
  const path = `@iolite-questions-${process.pid}`;
  await watchdog(last.request({ head: { ask: 'listen', path } }), 'a domain to listen');
  await watchdog(between.request({ head: { ask: 'hold' }, body }), 'a domain to take it');
  const { head } = await watchdog(between.request({ head: { ask: 'pass', path } }), 'facts');
  await written(body, FACTS);
  spoil(body);
  assert.equal(body.digest('sha256'), (head as { sha256: string }).sha256);
});

function question(name: string, index: number, range: ContentRange): Buffer {
  const writer = new FrameWriter();
  writeQuestion(writer, name, [{ index, range }]);
  return writer.take();
}

test('a peer can ask about what it was sent, and about nothing beside it', async () => {
  using hostile = new Hostile();
  using pool = createPool();
  using body = pool.from(Buffer.alloc(100 * KiB, 's'));
  using beside = pool.from(Buffer.alloc(100 * KiB, 'b'));
  const [sent = assert.fail()] = rangesOf(body);
  const [other = assert.fail()] = rangesOf(beside);
  assert.equal(sent.chunk, other.chunk);
  hostile.peer.write(HELLO);
  await hostile.channel.send({ body });
  for (const range of [
    other,
    { ...sent, end: other.end },
    { ...sent, start: sent.start - 64 },
    { ...sent, generation: sent.generation + 1 },
    { ...sent, end: sent.start },
  ])
    hostile.peer.write(question('sha256', 1, range));
  hostile.peer.write(question('no hash', 1, sent));
  hostile.peer.write(question('sha256', 99, sent));
  hostile.peer.write(question('sha256', 1, { ...sent, start: sent.start + 1 }));
  hostile.peer.write(question('sha256', 1, sent));
  await written(body, ['sha256']);
  assert.equal(isWritten('sha256', [other]), false);
  assert.equal(isWritten('sha256', [{ ...sent, end: other.end }]), false);
  assert.equal(isWritten('sha256', [{ ...sent, start: sent.start + 1 }]), true);
  assert.equal(hostile.channel.closed, false);
});

for (const [what, body] of [
  ['nothing', Buffer.alloc(0)],
  ['no slices', Buffer.from([0, 0, 0, 0, 0x61])],
  ['too many slices', Buffer.concat([Buffer.from([65, 0, 0, 0]), Buffer.alloc(65 * 16 + 1)])],
  ['no name', Buffer.concat([Buffer.from([1, 0, 0, 0]), Buffer.alloc(16)])],
  ['a long name', Buffer.concat([Buffer.from([1, 0, 0, 0]), Buffer.alloc(16 + 33)])],
  ['fewer slices than it says', Buffer.concat([Buffer.from([3, 0, 0, 0]), Buffer.alloc(20)])],
] as const) {
  hostileTest(`a question of ${what} ends the channel`, async () => {
    using hostile = new Hostile();
    hostile.peer.write(HELLO);
    hostile.peer.write(rawFrame(FrameType.ASK, body));
    assert.equal(await hostile.code(), 'ERR_IOLITE_PROTOCOL');
  });
}

test('questions are answered of one generation, and no more than a few', () => {
  const chunk = undefined as never;
  const sent = new SentRanges();
  const range = { chunk, generation: 1, start: 100, end: 200 };
  assert.equal(sent.admit(range), false);
  sent.note(1, 100, 150);
  assert.equal(sent.admit(range), false);
  sent.note(1, 100, 200);
  for (let i = 0; i < 16; i++) assert.equal(sent.admit(range), true);
  assert.equal(sent.admit(range), false);
  sent.note(2, 0, 1000);
  assert.equal(sent.admit(range), false);
  assert.equal(sent.admit({ ...range, generation: 2 }), true);
  for (let i = 1; i <= 64; i++) sent.note(2, i * 1000, i * 1000 + 1);
  assert.equal(sent.admit({ ...range, generation: 2 }), false, 'the oldest is forgotten');
});
