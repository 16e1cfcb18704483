import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool, type Pool } from '../../../src/aggregate/pool.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { Directory, type DirectoryEntry } from '../../../src/store/directory/directory.ts';
import { DirectoryView, type FoundRecord, UNKNOWN } from '../../../src/store/directory/directory-view.ts';

const HOUR_MS = 3_600_000;

function viewOf(directory: Directory): DirectoryView {
  return new DirectoryView(directory.share() as Aggregate);
}

function entryOf(key: string, rest: Partial<DirectoryEntry> = {}): DirectoryEntry {
  return { key, serial: 1, kind: 0, facts: [1, 2, 3], note: '', content: undefined, ...rest };
}

/** Keys of all lengths that take another way: none, within a record, behind its end, in several of them. */
const KEYS = [
  ...['', 'a', 'ab', 'key:1', 'é', '💡', '\ud800', '\0', 'x'.repeat(31), 'x'.repeat(32), 'x'.repeat(33)],
  ...['y'.repeat(89), 'y'.repeat(90), 'é'.repeat(300), 'z'.repeat(8192)],
  ...Array.from({ length: 3000 }, (_, index) => `key:${index}`),
];

/** Contents of slices in several chunks. */
function contentOf(pools: readonly Pool[], slices: number): Aggregate | undefined {
  if (slices === 0) return undefined;
  const content = (pools[0] as Pool).from('a');
  for (let index = 1; index < slices; index++) {
    using more = (pools[index % pools.length] as Pool).from(`${index}`);
    content.append(more);
  }
  return content;
}

test('what is found, listed and counted is what was put there last, like in a Map', () => {
  const random = new SeededRandom(7);
  const below = (end: number): number => Math.floor(random.uniform() * end);
  using one = createPool();
  using two = createPool();
  const directory = new Directory(1000, () => {
    view.close();
    view = viewOf(directory);
    replaced += 1;
  });
  directory.until = HOUR_MS;
  let view = viewOf(directory);
  let replaced = 0;
  const model = new Map<string, DirectoryEntry & { readonly content: Aggregate | undefined }>();
  const check = (key: string): void => {
    const expected = model.get(key);
    const found = view.find(key);
    assert.notEqual(found, UNKNOWN);
    if (expected === undefined) return assert.equal(found, undefined);
    const { serial, kind, facts, places } = found as FoundRecord;
    assert.deepEqual([serial, kind, facts], [expected.serial, expected.kind, expected.facts]);
    const slices = expected.content?.slices() ?? [];
    const numbers = directory.chunksOf(expected.content);
    assert.deepEqual(
      places,
      slices.map(({ start, length, lease: { generation } }, index) => {
        return { number: numbers[index], generation, start, length };
      }),
    );
    for (const { number, generation } of places) assert.ok(view.hasChunk(number, generation));
  };
  for (let step = 0; step < 20_000; step++) {
    const key = KEYS[below(KEYS.length)] as string;
    if (below(3) === 0) {
      model.get(key)?.content?.release();
      model.delete(key);
      directory.delete(key);
    } else {
      const content = contentOf([one, two], below(5));
      const entry = entryOf(key, {
        serial: step * 2 ** 32,
        kind: below(3),
        facts: [step, Number.POSITIVE_INFINITY, step / 3],
        note: 'n'.repeat(below(4) === 0 ? below(200) : 0),
        content,
      });
      directory.put(entry);
      model.get(key)?.content?.release();
      model.set(key, { ...entry, content });
    }
    check(key);
    check(KEYS[below(KEYS.length)] as string);
  }
  assert.ok(replaced > 0, 'it has grown');
  for (const key of KEYS) check(key);
  const listed = [...view.list()].map(({ key, note }) => [key, note]).sort();
  assert.deepEqual(listed, [...model.values()].map(({ key, note }) => [key, note]).sort());
  const bytes = [...model.values()].reduce((sum, { content }) => sum + (content?.length ?? 0), 0);
  assert.deepEqual([view.entries, view.bytes, view.budget, view.until], [model.size, bytes, 1000, HOUR_MS]);
  for (const { key, content } of model.values()) {
    directory.delete(key);
    content?.release();
  }
  assert.deepEqual([view.entries, view.bytes, [...view.list()]], [0, 0, []]);
  view.close();
  directory.close();
});

test('who has a directory that another has taken the place of finds nothing there, and is told', () => {
  let replaced = 0;
  const directory = new Directory(1000, () => {
    replaced += 1;
  });
  directory.until = HOUR_MS;
  const view = viewOf(directory);
  for (let index = 0; index < 1500; index++) directory.put(entryOf(`${index}`));
  assert.deepEqual([replaced, view.isReplaced, view.until], [1, true, 0]);
  const next = viewOf(directory);
  assert.deepEqual([next.isReplaced, next.until, next.entries], [false, HOUR_MS, 1500]);
  assert.notEqual(next.find('700'), UNKNOWN);
  view.close();
  next.close();
  directory.close();
});

test('while something is being changed nobody is told that there is nothing', () => {
  const directory = new Directory(1000, () => {});
  const view = viewOf(directory);
  directory.put(entryOf('there'));
  assert.equal(view.find('other'), undefined);
  directory.beginChange();
  directory.beginChange();
  directory.endChange();
  assert.equal(view.find('other'), UNKNOWN);
  assert.equal((view.find('there') as FoundRecord).serial, 1);
  directory.endChange();
  assert.equal(view.find('other'), undefined);
  view.close();
  directory.close();
});

test('what was found says when it is not right any more', () => {
  const directory = new Directory(1000, () => {});
  const view = viewOf(directory);
  directory.put(entryOf('key'));
  const look = (): FoundRecord => ({ ...(view.find('key') as FoundRecord) });
  const first = look();
  assert.ok(view.isSame(first));
  directory.put(entryOf('key', { serial: 2 }));
  assert.ok(!view.isSame(first));
  const second = look();
  directory.delete('key');
  assert.ok(!view.isSame(second));
  // The same record, of another key.
  directory.put(entryOf('else', { serial: 3 }));
  assert.ok(!view.isSame(second));
  view.close();
  directory.close();
});

test('a directory that is closed stays as it was for who reads it', () => {
  const directory = new Directory(1000, () => {});
  directory.until = HOUR_MS;
  const view = viewOf(directory);
  directory.put(entryOf('key'));
  directory.close();
  directory.delete('key');
  directory.put(entryOf('key', { serial: 2 }));
  directory.close();
  assert.deepEqual([(view.find('key') as FoundRecord).serial, view.until], [1, HOUR_MS]);
  view.close();
});
