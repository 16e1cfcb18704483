import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { Directory } from '../../../src/store/directory/directory.ts';
import { DirectoryView, UNKNOWN } from '../../../src/store/directory/directory-view.ts';
import {
  BUCKETS_AT,
  Head,
  RECORD_WORDS,
  RecordPart,
  recordsAt,
} from '../../../src/store/directory/layout.ts';
import { Family } from '../../support/family.ts';
import { watchdog } from '../../support/watchdog.ts';

const WRITER = new URL('../children/directory-writer.ts', import.meta.url);
const KEYS = Array.from({ length: 200 }, (_, index) => `key:${index}:${'x'.repeat(index)}`);

/** A copy of a directory that can be written, and the view of it. */
function copied(): { words: Int32Array; view: DirectoryView } {
  using pool = createPool();
  using content = pool.from('content');
  const directory = new Directory(1000, () => {});
  for (const [serial, key] of KEYS.entries())
    directory.put({ key, serial, kind: 0, facts: [1, 2, 3], note: key, content });
  using shared = directory.share() as Aggregate;
  const draft = pool.allocate(shared.length);
  shared.copyTo(draft.bytes);
  const { buffer, byteOffset, length } = draft.bytes;
  const words = new Int32Array(buffer, byteOffset, length / 4);
  directory.close();
  return { words, view: new DirectoryView(draft.seal()) };
}

test('what is no directory is refused', () => {
  using pool = createPool();
  const malformed = { code: 'ERR_IOLITE_PROTOCOL' };
  assert.throws(() => new DirectoryView(pool.from(Buffer.alloc(100_000))), malformed);
  assert.throws(() => new DirectoryView(pool.from('x')), malformed);
  const twice = pool.from(Buffer.alloc(70_000));
  using more = pool.from(Buffer.alloc(70_000));
  assert.throws(() => new DirectoryView(twice.append(more)), malformed);
  for (const [records, buckets] of [
    [1024, 512],
    [1000, 1000],
    [2 ** 30, 2 ** 30],
    [-1024, -1024],
    [1, 1],
  ] as const) {
    const bytes = Buffer.alloc(1_000_000);
    bytes.writeInt32LE(records, 4 * Head.RECORDS);
    bytes.writeInt32LE(buckets, 4 * Head.BUCKETS);
    assert.throws(() => new DirectoryView(pool.from(bytes)), malformed);
  }
});

test('whatever is written in a directory, nothing is read outside of it, and nobody waits for ever', () => {
  const random = new SeededRandom(11);
  const below = (end: number): number => Math.floor(random.uniform() * end);
  for (let round = 0; round < 40; round++) {
    const { words, view } = copied();
    const { length } = words;
    const first = recordsAt(words[Head.BUCKETS] as number);
    for (let damage = 0; damage < 2000; damage++) {
      const at =
        below(2) === 0
          ? first + below(KEYS.length * 3 * RECORD_WORDS)
          : BUCKETS_AT + below(length - BUCKETS_AT);
      const values = [below(2 ** 31), -below(2 ** 31), below(1024), 0, -1];
      words[at] = values[below(values.length)] as number;
    }
    for (const key of KEYS) {
      const found = view.find(key);
      if (found === undefined || found === UNKNOWN) continue;
      for (const { start, length: bytes } of found.places) assert.ok(start >= 0 && bytes >= 0);
    }
    for (const { key, note } of view.list()) assert.equal(typeof key, typeof note);
    view.close();
  }
});

test('records that lead to each other in a circle are not gone round for ever', () => {
  const { words, view } = copied();
  const first = recordsAt(words[Head.BUCKETS] as number);
  const at = first + RECORD_WORDS;
  words[at + RecordPart.NEXT] = 1;
  words.fill(1, BUCKETS_AT, first);
  assert.equal(view.find('nowhere'), UNKNOWN);
  words[at + RecordPart.CONTINUED] = 1;
  assert.ok([...view.list()].length <= KEYS.length);
  view.close();
});

test('a record that is being written is not read', () => {
  const { words, view } = copied();
  const first = recordsAt(words[Head.BUCKETS] as number);
  for (let record = 1; record < 1024; record++) (words[first + record * RECORD_WORDS] as number) |= 1;
  for (const key of KEYS) assert.equal(view.find(key), UNKNOWN);
  assert.deepEqual([...view.list()], []);
  view.close();
});

test('numbers of the header that are being written are those before', () => {
  const { words, view } = copied();
  const before = view.until;
  words[Head.COUNT] = (words[Head.COUNT] as number) + 1;
  words[Head.UNTIL + 1] = 0x7ff00000;
  assert.equal(view.until, before);
  view.close();
});

test('what is read while another process writes is of one moment', async () => {
  await using family = new Family();
  const { channel } = await family.fork(WRITER);
  const { body } = await watchdog(channel.request({}), 'a directory');
  const view = new DirectoryView(body as Aggregate);
  const seen = new Set<number>();
  let tries = 0;
  for (; seen.size < 50; tries++) {
    for (const { serial, facts, note } of view.list()) {
      assert.deepEqual(facts, [serial, serial, serial]);
      assert.equal(note, `${serial} `.repeat(2000 - (serial % 1000)));
      seen.add(serial);
    }
    for (let look = 0; look < 100; look++) {
      const found = view.find('k'.repeat(500));
      if (found === undefined || found === UNKNOWN) continue;
      assert.deepEqual(found.facts, [found.serial, found.serial, found.serial]);
    }
    if (tries % 100 === 0) await setImmediate();
  }
  assert.ok(tries > seen.size, 'some were written just then');
  view.close();
});
