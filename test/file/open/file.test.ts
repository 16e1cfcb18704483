import assert from 'node:assert/strict';
import { readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import type { File } from '../../../src/file/open/file.ts';
import { openFile } from '../../../src/file/open/open-file.ts';
import { Folder } from '../../support/folder.ts';
import { holdingsReturnTo, settledHoldings } from '../../support/holdings.ts';
import { RUNS } from '../../support/slicing.ts';

const MiB = 1024 ** 2;

async function text(file: File, offset = 0, length = file.size): Promise<string> {
  using bytes = await file.read(offset, length);
  return bytes.toString();
}

test('read() gives what is there, and no more', async () => {
  using folder = new Folder();
  const path = folder.file('a');
  const bytes = Buffer.from(Array.from({ length: 3 * 65536 + 5 }, (_, i) => i * 31));
  writeFileSync(path, bytes);
  await using file = await openFile(path);
  assert.equal(file.size, bytes.length);
  for (const [offset, length] of [
    [0, 1],
    [65535, 2],
    [0, bytes.length],
    [bytes.length - 3, 100],
    [bytes.length, 1],
    [10 * bytes.length, 1],
    [5, 0],
  ] as const) {
    using part = await file.read(offset, length);
    assert.ok(part.equals(bytes.subarray(offset, offset + length)), `${offset}, ${length}`);
  }
});

test('write(), append() and truncate() change what is read, and the disk when synced', async () => {
  using folder = new Folder();
  const path = folder.file('a');
  writeFileSync(path, 'Hello, world');
  await using file = await openFile(path, 'r+');
  await file.write(0, 'J');
  assert.equal(await file.append('!'), 12);
  assert.equal(await text(file), 'Jello, world!');
  assert.equal(readFileSync(path, 'utf8'), 'Hello, world');
  await file.sync();
  assert.equal(readFileSync(path, 'utf8'), 'Jello, world!');
  await file.truncate(5);
  await file.truncate(7);
  await file.write(9, '.');
  assert.equal(await text(file), 'Jello\0\0\0\0.');
  await file.sync();
  assert.equal(readFileSync(path, 'utf8'), 'Jello\0\0\0\0.');
  await file.replace('new');
  assert.equal(await text(file), 'new');
  await file.sync();
  assert.equal(readFileSync(path, 'utf8'), 'new');
});

test('what was read stays as it was, and reads see whole writes', async () => {
  using folder = new Folder();
  const path = folder.file('a');
  const old = 'a'.repeat(100_000);
  writeFileSync(path, old);
  await using file = await openFile(path, 'r+');
  await using other = await openFile(path);
  // Called before the write, so of the version before it, though the disk is read after it.
  const before = other.read(0, 100_000);
  const written = file.write(10, 'b'.repeat(99_000));
  const after = other.read(0, 100_000);
  await written;
  using one = await before;
  using two = await after;
  assert.equal(one.toString(), old);
  assert.equal(two.toString(), 'a'.repeat(10) + 'b'.repeat(99_000) + 'a'.repeat(990));
  const third = other.read(0, 100_000);
  await file.replace('c');
  await file.sync();
  using three = await third;
  assert.ok(three.equals(two));
});

test('a record that is read from one file, appended to it and written to another exists once', async () => {
  using folder = new Folder();
  using pool = createPool();
  writeFileSync(folder.file('a'), 'record one\nrecord two\n');
  await using a = await openFile(folder.file('a'), 'r+', { pool });
  await using b = await openFile(folder.file('b'), 'w', { pool });
  using record = await a.read(11, 11);
  const allocated = pool.stats().allocated;
  await a.append(record);
  await b.write(0, record);
  using again = await a.read(11, 11);
  using appended = await a.read(22, 11);
  using written = await b.read(0, 11);
  const ids = (aggregate: Aggregate) => aggregate.slices().map(({ id }) => id);
  for (const each of [again, appended, written]) assert.deepEqual(ids(each), ids(record));
  await a.write(0, 'RECORD');
  using rest = await a.read(11, 22);
  assert.ok(ids(rest).every(({ chunk }) => chunk === record.slices()[0]?.id.chunk));
  assert.equal(pool.stats().allocated, allocated + 1);
  await a.sync();
  await b.sync();
  assert.equal(readFileSync(folder.file('a'), 'utf8'), 'RECORD one\nrecord two\nrecord two\n');
  assert.equal(readFileSync(folder.file('b'), 'utf8'), 'record two\n');
});

test('a cache that is given shares its copy, and is told of new versions', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: MiB, maxStale: 3_600_000 });
  const path = folder.file('a');
  writeFileSync(path, 'x'.repeat(1000));
  // As old as a cache can be trusted with.
  utimesSync(path, 1_000_000_000, 1_000_000_000);
  using cached = await cache.read(path);
  await using file = await openFile(path, 'r+', { cache });
  using read = await file.read(100, 200);
  assert.equal(read.slices()[0]?.id.chunk, cached.slices()[0]?.id.chunk);
  await file.write(0, 'y');
  using stale = await cache.read(path);
  assert.equal(stale.at(0), 120);
  await file.sync();
  using fresh = await cache.read(path);
  assert.equal(fresh.at(0), 121);
  cache.close();
  assert.equal(await text(file, 0, 2), 'yx');
});

test('a range beyond what is kept is read from disk, and unmodified ranges stay there', async () => {
  using folder = new Folder();
  using pool = createPool({ limit: 24 * MiB });
  const path = folder.file('large');
  const size = 96 * MiB;
  writeFileSync(path, 'begin');
  truncateSync(path, size);
  await using file = await openFile(path, 'r+', { pool });
  await file.write(50 * MiB, 'middle');
  await file.append('end');
  for (let offset = 0; offset < size; offset += 16 * MiB) (await file.read(offset, 4 * MiB)).release();
  await file.sync();
  assert.equal(await text(file, 0, 5), 'begin');
  assert.equal(await text(file, 50 * MiB - 1, 8), '\0middle\0');
  assert.equal(await text(file, size - 1, 10), '\0end');
  const found = statSync(path);
  assert.equal(found.size, size + 3);
});

test('reads in no order read no more than pages, and those in order what follows too', async () => {
  using folder = new Folder();
  using pool = createPool();
  const path = folder.file('a');
  writeFileSync(path, Buffer.alloc(MiB, 'bytes of a file'));
  await using file = await openFile(path, 'r', { pool });
  const bytesRead = async (offset: number, length: number): Promise<number> => {
    const before = pool.stats().allocated;
    using part = await file.read(offset, length);
    assert.ok(part.equals(Buffer.alloc(MiB, 'bytes of a file').subarray(offset, offset + length)));
    return pool.stats().allocated - before;
  };
  // How many of these reads needed a buffer, and so the disk.
  assert.deepEqual([await bytesRead(500_000, 10), await bytesRead(500_010, 3000)], [1, 0]);
  assert.deepEqual([await bytesRead(600_000, 10), await bytesRead(650_000, 10)], [1, 1]);
  // From the end of the last one on.
  assert.deepEqual([await bytesRead(650_010, 4000), await bytesRead(654_010, 50_000)], [1, 0]);
  assert.deepEqual(
    [await bytesRead(100, 1), await bytesRead(2000, 2096), await bytesRead(4096, 1)],
    [1, 0, 1],
  );
  assert.deepEqual([await bytesRead(4097, 60_000), await bytesRead(0, 4096)], [0, 0]);
});

test('who reads what the kernel has in memory, on and on, lets others have their turn', async () => {
  using folder = new Folder();
  const path = folder.file('a');
  writeFileSync(path, Buffer.alloc(32 * MiB, 'x'));
  await using file = await openFile(path);
  let isOver = false;
  let turns = 0;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  for (let i = 0; i < 256; i++) (await file.read(((i * 37) % 256) * 128 * 1024, 100_000)).release();
  isOver = true;
  assert.ok(turns > 5, `${turns} turns`);
});

test('a hole takes one buffer of memory, however large', async () => {
  using folder = new Folder();
  using pool = createPool({ limit: 4 * MiB });
  await using file = await openFile(folder.file('a'), 'w', { pool });
  await file.truncate(64 * MiB);
  using zeros = await file.read(0, 64 * MiB);
  assert.equal(zeros.length, 64 * MiB);
  assert.equal(zeros.indexOf(1), -1);
  await file.sync();
  assert.ok(statSync(folder.file('a')).blocks * 512 < MiB);
});

test('wrong arguments and uses are errors with codes, and change nothing', async () => {
  using folder = new Folder();
  using pool = createPool();
  const path = folder.file('a');
  writeFileSync(path, 'content');
  const reader = await openFile(path, 'r');
  const file = await openFile(path, 'r+');
  const released = pool.from('x');
  released.release();
  const wrong: [() => Promise<unknown>, string][] = [
    [() => file.read(-1, 1), 'ERR_IOLITE_RANGE'],
    [() => file.read(0, 1.5), 'ERR_IOLITE_ARGUMENT'],
    [() => file.read(0, undefined as never), 'ERR_IOLITE_ARGUMENT'],
    [() => file.write(2 ** 53, 'x'), 'ERR_IOLITE_RANGE'],
    [() => file.write(0, 7 as never), 'ERR_IOLITE_ARGUMENT'],
    [() => file.write(0, released), 'ERR_IOLITE_RELEASED'],
    [() => file.replace(released), 'ERR_IOLITE_RELEASED'],
    [() => file.append(null as never), 'ERR_IOLITE_ARGUMENT'],
    [() => file.truncate(-1), 'ERR_IOLITE_RANGE'],
    [() => reader.write(0, 'x'), 'EBADF'],
    [() => reader.append('x'), 'EBADF'],
    [() => reader.replace('x'), 'EBADF'],
    [() => reader.truncate(0), 'EBADF'],
  ];
  for (const [call, code] of wrong) await assert.rejects(call, { code }, call.toString());
  assert.equal(await text(file), 'content');
  await file.close();
  await file.close();
  await reader.close();
  await assert.rejects(file.read(0, 1), { code: 'ERR_IOLITE_CLOSED' });
  await assert.rejects(file.sync(), { code: 'ERR_IOLITE_CLOSED' });
  assert.throws(() => file.size, { code: 'ERR_IOLITE_CLOSED' });
});

test('close() syncs what was written, and gives everything back', async () => {
  using folder = new Folder();
  const path = folder.file('a');
  const before = await settledHoldings();
  const pool = createPool();
  const file = await openFile(path, 'w', { pool });
  await file.append('written');
  using held = await file.read(0, 7);
  await file.close();
  assert.equal(readFileSync(path, 'utf8'), 'written');
  assert.equal(held.toString(), 'written');
  held.release();
  pool.close();
  assert.equal(pool.stats().chunks, 0);
  await holdingsReturnTo(before);
});

test('reload() gives up what was written, and takes up what is on disk', async () => {
  using folder = new Folder();
  const path = folder.file('a');
  writeFileSync(path, 'one');
  await using file = await openFile(path, 'r+');
  await file.write(0, 'x');
  writeFileSync(path, 'three');
  await file.reload();
  assert.equal(await text(file), 'three');
  await file.write(0, 'T');
  await file.sync();
  assert.equal(readFileSync(path, 'utf8'), 'Three');
});

/** A step on a file and on what it has to hold. */
type Step = (file: File, model: Buffer) => Promise<Buffer>;

const place = fc.oneof(fc.nat(300), fc.nat(200_000));
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ offset: place, data: fc.uint8Array({ maxLength: 100 }) }).map(
    ({ offset, data }): Step =>
      async (file, model) => {
        await file.write(offset, data);
        if (data.length === 0) return model;
        const next = Buffer.alloc(Math.max(model.length, offset + data.length));
        model.copy(next);
        next.set(data, offset);
        return next;
      },
  ),
  fc.record({ from: place, length: place, to: place }).map(
    ({ from, length, to }): Step =>
      async (file, model) => {
        using part = await file.read(from, length);
        const data = model.subarray(from, from + length);
        assert.ok(part.equals(data));
        await file.write(to, part);
        if (data.length === 0) return model;
        const next = Buffer.alloc(Math.max(model.length, to + data.length));
        model.copy(next);
        next.set(data, to);
        return next;
      },
  ),
  fc.uint8Array({ maxLength: 100 }).map(
    (data): Step =>
      async (file, model) => {
        assert.equal(await file.append(data), model.length);
        return Buffer.concat([model, data]);
      },
  ),
  place.map(
    (length): Step =>
      async (file, model) => {
        await file.truncate(length);
        const next = Buffer.alloc(length);
        model.copy(next);
        return next;
      },
  ),
  fc.uint8Array({ maxLength: 300 }).map(
    (data): Step =>
      async (file, _model) => {
        await file.replace(data);
        return Buffer.from(data);
      },
  ),
  fc.constant<Step>(async (file, model) => {
    await file.sync();
    assert.ok(readFileSync(file.path).equals(model));
    return model;
  }),
);

test('a file agrees with a flat model, while it is synced and after', async () => {
  using folder = new Folder();
  using pool = createPool();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ step: steps, syncing: fc.boolean() }), { maxLength: 40 }),
      fc.uint8Array({ maxLength: 1000 }),
      async (list, first) => {
        const path = folder.file('model');
        writeFileSync(path, first);
        const file = await openFile(path, 'r+', { pool });
        let model: Buffer = Buffer.from(first);
        let sync: Promise<void> | undefined;
        for (const { step, syncing } of list) {
          // Steps on while a version is written.
          if (syncing) sync = file.sync();
          model = await step(file, model);
          assert.equal(file.size, model.length);
        }
        using all = await file.read(0, model.length + 1);
        assert.ok(all.equals(model));
        await sync;
        await file.close();
        assert.ok(readFileSync(path).equals(model));
      },
    ),
    { numRuns: 150 * RUNS },
  );
  pool.close();
  assert.equal(pool.stats().chunks, 0);
});
