import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { aggregateOfSlices } from '../../../src/aggregate/aggregate-of-slices.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { factOf } from '../../../src/aggregate/tree/facts.ts';
import { newlinesOf } from '../../../src/aggregate/tree/newlines.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { HEADER_BYTES } from '../../../src/memory/chunk.ts';
import { HeapChunk } from '../../../src/memory/heap-chunk.ts';
import { Lease } from '../../../src/memory/lease.ts';
import { Family } from '../../support/family.ts';
import { watchdog } from '../../support/watchdog.ts';

const DOMAIN = new URL('../children/facts.ts', import.meta.url);
const KiB = 1024;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What shows that a fact was not computed: the bytes are others than it is of. */
function spoil(aggregate: Aggregate): void {
  for (const { memory } of aggregate.slices()) memory.fill('\n');
}

test('countLines() counts what lines() gives, and once', () => {
  const random = new SeededRandom(3);
  using pool = createPool();
  for (let round = 0; round < 200; round++) {
    using text = Aggregate.empty();
    for (let i = 0; i < random.uniform() * 10; i++) {
      using piece = pool.from('ab\n\ncd'.slice(random.uniform() * 5, random.uniform() * 7));
      text.append(piece);
    }
    let count = 0;
    for (using _ of text.lines()) count += 1;
    assert.equal(text.countLines(), count, JSON.stringify(text.toString()));
  }
  using text = pool.from('a\nb\n');
  assert.equal(text.countLines(), 2);
  spoil(text);
  assert.equal(text.countLines(), 2, 'known by the identity of the bytes');
  assert.equal(newlinesOf(text.slices()), 2);
});

test('what the owner knows is known to all that hold the bytes, and to those they pass them to', async () => {
  await using family = new Family();
  using pool = createPool();
  const bytes = Buffer.alloc(300 * KiB, 'line\n');
  using body = pool.from(bytes);
  const known = { sha256: body.digest('sha256'), crc32: body.digest('crc32'), lines: body.countLines() };
  assert.equal(known.sha256, sha256(bytes));
  spoil(body);
  const one = (await family.fork(DOMAIN)).channel;
  const other = (await family.fork(DOMAIN)).channel;
  const path = `@iolite-facts-${process.pid}`;
  await other.request({ head: { ask: 'listen', path } });
  const { head } = await watchdog(one.request({ head: { ask: 'derive' }, body }), 'facts');
  assert.deepEqual(head, known);
  const { head: passed } = await watchdog(one.request({ head: { ask: 'pass', path } }), 'facts, passed on');
  assert.deepEqual(passed, known);
});

test('what is small, or not known to the owner, is derived where it is asked for', async () => {
  await using family = new Family();
  using pool = createPool();
  using small = pool.from('small\n'.repeat(100));
  small.digest('sha256');
  spoil(small);
  using large = pool.from(Buffer.alloc(300 * KiB, 'large\n'));
  const { channel } = await family.fork(DOMAIN);
  for (const body of [small, large]) {
    const { head } = await watchdog(channel.request({ head: { ask: 'derive' }, body }), 'facts');
    assert.equal((head as { sha256: string }).sha256, sha256(body.toBuffer()));
  }
});

test('a list over several chunks is known where all of their owners say the same', async () => {
  await using family = new Family();
  using pool = createPool();
  using whole = pool.from(Buffer.alloc(300 * KiB, 'a'));
  using rest = pool.from(Buffer.alloc(300 * KiB, 'b'));
  whole.append(rest);
  const known = whole.digest('sha256');
  const { channel } = await family.fork(DOMAIN);
  // Only one of the two chunks has it: as if the other's owner did not say so.
  using mixed = Aggregate.concat([whole.slice(0, 300 * KiB), pool.from(Buffer.alloc(300 * KiB, 'b'))]);
  spoil(whole);
  const ask = async (body: Aggregate): Promise<string> =>
    ((await watchdog(channel.request({ head: { ask: 'derive' }, body }), 'facts')).head as { sha256: string })
      .sha256;
  assert.equal(await ask(whole), known);
  assert.equal(await ask(mixed), sha256(mixed.toBuffer()));
});

test('who has one of the chunks learns nothing of the others', () => {
  using pool = createPool();
  using open = pool.from(Buffer.alloc(300 * KiB, 'open'));
  using secret = pool.from(Buffer.alloc(300 * KiB, 'secret'));
  using both = Aggregate.concat([open, secret]);
  const digest = both.digest('sha256', 'buffer');
  const [{ lease } = assert.fail()] = open.slices();
  const header = lease.bytes.subarray(0, HEADER_BYTES);
  assert.equal(header.includes(digest), false);
  assert(
    header.subarray(64).some(byte => byte !== 0),
    'something is written down',
  );
});

test('no fact outlives the generation that it is of', () => {
  using pool = createPool();
  for (let i = 0; i < 5; i++) {
    const bytes = Buffer.alloc(300 * KiB, i);
    using body = pool.from(bytes);
    assert.equal(body.digest('sha256'), sha256(bytes));
    assert.equal(body.countLines(), 1);
  }
  assert.equal(pool.stats().recycled, 4);
});

test('a chunk that has the id of another one is not taken for it', () => {
  const chunkOf = (text: string, id: string): HeapChunk => {
    const chunk = new HeapChunk(Buffer.alloc(20 * KiB, text));
    Object.defineProperty(chunk, 'id', { value: id });
    return chunk;
  };
  const listOf = (...chunks: HeapChunk[]): Aggregate =>
    aggregateOfSlices(
      chunks.map(chunk => {
        const lease = new Lease(chunk);
        lease.retain();
        return { lease, start: 0, end: chunk.size };
      }),
    );
  const first = chunkOf('first', 'a'.repeat(32));
  using forged = listOf(first, chunkOf('forged', 'b'.repeat(32)));
  using honest = listOf(first, chunkOf('honest', 'b'.repeat(32)));
  assert.equal(forged.digest('sha256'), sha256(forged.toBuffer()));
  assert.equal(honest.digest('sha256'), sha256(honest.toBuffer()));
});

test('what was derived of what was received stays known, however long it is let go of', async () => {
  await using family = new Family();
  using pool = createPool();
  const bytes = Buffer.alloc(5 * KiB, 'kept\n');
  using body = pool.from(bytes);
  const { channel } = await family.fork(DOMAIN);
  const derive = async (): Promise<unknown> =>
    (await watchdog(channel.request({ head: { ask: 'derive' }, body }), 'facts')).head;
  const first = await derive();
  assert.equal((first as { sha256: string }).sha256, sha256(bytes));
  await channel.request({ head: { ask: 'release' } });
  spoil(body);
  while (pool.holders().length > 0) await setImmediate();
  assert.deepEqual(await derive(), first);
});

test('facts that nobody asks for again make room for others', () => {
  using pool = createPool();
  using text = pool.from('text');
  let computed = 0;
  const ask = (name: string): Buffer =>
    factOf(text.slices(), name, () => {
      computed += 1;
      return Buffer.from(name);
    });
  for (let i = 0; i < 1000; i++) ask(`fact ${i}`);
  assert.equal(computed, 1000);
  ask('fact 999');
  assert.equal(computed, 1000);
  ask('fact 0');
  assert.equal(computed, 1001);
});
