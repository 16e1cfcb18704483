import assert from 'node:assert/strict';
import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { attachFileCache } from '../../../src/file/cache/attached-cache.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

const KiB = 1024;
const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** A sparse file with a mark at each of some positions. */
function makeSparse(path: string, size: number, marks: readonly number[]): void {
  const fd = openSync(path, 'w');
  ftruncateSync(fd, size);
  for (const position of marks) writeSync(fd, `mark at ${position}`, position);
  closeSync(fd);
}

/** How often this process has a file open, whatever its name is by now. */
function timesOpen(path: string): number {
  return readdirSync('/proc/self/fd').filter(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(path);
    } catch {
      return false;
    }
  }).length;
}

async function untilClosed(path: string): Promise<void> {
  const closed = async (): Promise<void> => {
    while (timesOpen(path) > 0) await setImmediate();
  };
  await watchdog(closed(), 'the file to be closed');
}

test('ranges of a file much larger than the budget are read, and kept by extents', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: 16 * MiB, maxStale: 3_600_000 });
  const path = folder.file('huge');
  const marks = [0, 3 * GiB - 5, 5 * GiB - 100];
  makeSparse(path, 5 * GiB, marks);
  using snapshot = await cache.snapshot(path);
  assert.equal(snapshot.content, undefined);
  assert.equal(snapshot.size, 5 * GiB);
  for (const position of marks) {
    const wanted = `mark at ${position}`;
    using range = await cache.read(path, { start: position, end: position + wanted.length });
    assert.equal(range.toString(), wanted);
  }
  const { misses } = cache.stats();
  using again = await cache.read(path, { start: marks[1] as number, end: (marks[1] as number) + 4 });
  assert.equal(again.toString(), 'mark');
  assert.equal(cache.stats().misses, misses, 'asked the disk again');
  using tail = await cache.read(path, { start: -100 });
  assert.equal(tail.toString('latin1', 0, 7), 'mark at');
  using nothing = await cache.read(path, { start: 5 * GiB });
  assert.equal(nothing.length, 0);
  using wide = await cache.read(path, { start: 3 * GiB - 3 * MiB, end: 3 * GiB + 3 * MiB });
  assert.equal(wide.length, 6 * MiB);
  assert.equal(wide.toString('latin1', 3 * MiB - 5, 3 * MiB - 1), 'mark');
  const { live, dead, filling, room, leased, headers } = cache.stats();
  assert.ok(live + dead + filling + room + leased + headers <= 16 * MiB);
});

test('reading in sequence is ahead of the reader', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: 16 * MiB, maxStale: 3_600_000 });
  const path = folder.file('long');
  writeFileSync(path, Buffer.alloc(8 * MiB, 'abcdefgh'));
  using snapshot = await cache.snapshot(path);
  let missesInTurn = 0;
  for (let start = 0; start < 8 * MiB; start += 256 * KiB) {
    using part = await snapshot.read(start, start + 256 * KiB);
    assert.ok(part.equals(Buffer.alloc(256 * KiB, 'abcdefgh')));
    missesInTurn = cache.stats().misses;
  }
  // What is asked for is there, or on its way, when it is asked for.
  assert.ok(cache.stats().hits > 4, `${cache.stats().hits} hits, ${missesInTurn} misses`);
});

for (const where of ['owner', 'attached'] as const) {
  test(`a large file that was replaced or removed is still read by its snapshots (${where})`, async () => {
    using folder = new Folder();
    using pair = new ChannelPair();
    using owned = createFileCache({ budget: 8 * MiB, maxStale: 0 });
    owned.serve(pair.near);
    using cache = where === 'owner' ? owned : await attachFileCache(pair.far);
    const path = folder.file('large');
    writeFileSync(path, Buffer.alloc(5 * MiB, 'old '));
    const old = await cache.snapshot(path);
    writeFileSync(folder.file('new'), Buffer.alloc(6 * MiB, 'new '));
    renameSync(folder.file('new'), path);
    const replaced = await cache.snapshot(path);
    assert.equal(replaced.size, 6 * MiB);
    unlinkSync(path);
    await assert.rejects(cache.snapshot(path), { code: 'ENOENT' });
    using first = await old.read(4 * MiB, 5 * MiB);
    assert.equal(first.toString('latin1', 0, 8), 'old old ');
    using second = await replaced.read(5 * MiB, 6 * MiB);
    assert.equal(second.toString('latin1', 0, 8), 'new new ');
    assert.ok(timesOpen(path) > 0);
    old.release();
    replaced.release();
    await untilClosed(path);
  });

  test(`a large file that was changed in place is stale for its snapshots (${where})`, async () => {
    using folder = new Folder();
    using pair = new ChannelPair();
    using owned = createFileCache({ budget: 8 * MiB, maxStale: 0 });
    owned.serve(pair.near);
    using cache = where === 'owner' ? owned : await attachFileCache(pair.far);
    const path = folder.file('large');
    writeFileSync(path, Buffer.alloc(5 * MiB, 'old '));
    using old = await cache.snapshot(path);
    writeFileSync(path, Buffer.alloc(5 * MiB, 'new '));
    await assert.rejects(old.read(4 * MiB), { code: 'ERR_IOLITE_STALE' });
    using content = await cache.read(path, { start: 4 * MiB });
    assert.equal(content.toString('latin1', 0, 8), 'new new ');
    truncateSync(path, 2 * MiB + 1);
    using shorter = await cache.read(path);
    assert.equal(shorter.length, 2 * MiB + 1);
  });
}

test('no domain is given an extent of a file that it was not given', async () => {
  using folder = new Folder();
  using pair = new ChannelPair();
  using owned = createFileCache({ budget: 8 * MiB });
  owned.serve(pair.near);
  writeFileSync(folder.file('large'), Buffer.alloc(5 * MiB, 'secret '));
  using snapshot = await owned.snapshot(folder.file('large'));
  using content = await snapshot.read(0, 7);
  assert.equal(content.toString(), 'secret ');
  for (let serial = 0; serial < 10; serial++) {
    await assert.rejects(pair.far.request({ head: { type: 'files.read', key: `${serial}\0${0}` } }), {
      code: 'ERR_IOLITE_STALE',
    });
  }
});

test('a large file is read for as long as its snapshot is held, however long that is (attached)', async t => {
  using folder = new Folder();
  using pair = new ChannelPair();
  using owned = createFileCache({ budget: 16 * MiB });
  owned.serve(pair.near);
  using cache = await attachFileCache(pair.far);
  const path = folder.file('large');
  writeFileSync(path, Buffer.alloc(5 * MiB, 'content '));
  const snapshot = await cache.snapshot(path);
  (await snapshot.read(0, 1)).release();
  // As time passes the path is forgotten, which nobody asks for any more.
  const real = performance.now.bind(performance);
  let later = 0;
  t.mock.method(performance, 'now', () => real() + later);
  const forgotten = async (): Promise<void> => {
    while (cache.stats().entries > 1) {
      later += 1000;
      (await snapshot.read(0, 1)).release();
      await setImmediate();
    }
  };
  await watchdog(forgotten(), 'the path to be forgotten');
  using end = await snapshot.read(5 * MiB - 8);
  assert.equal(end.toString(), 'content ');
  snapshot.release();
  owned.invalidate(path);
  await untilClosed(path);
});
