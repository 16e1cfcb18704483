import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs, {
  closeSync,
  createReadStream,
  openSync,
  type ReadStream,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { Folder } from '../../support/folder.ts';
import { closeEmpty, describePool, eachPool } from '../../support/stream-pools.ts';
import { watchdog } from '../../support/watchdog.ts';

function patterned(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 7 + (i >> 8)) & 255;
  return bytes;
}

/** Waits until a stream has closed its file. */
async function closed(stream: ReadStream): Promise<void> {
  if (stream.closed) return;
  const event = new Promise<void>(resolve => stream.once('close', () => resolve()));
  await watchdog(event, 'the stream to close');
}

for (const pool of eachPool()) {
  test(`fromStream() of files of any size, and parts (${describePool(pool)})`, async () => {
    using folder = new Folder();
    const path = folder.file('content');
    for (const size of [0, 1, 4095, 70_000, 262_144, 1024 ** 2, 1024 ** 2 + 1, 2_500_000]) {
      const content = patterned(size);
      writeFileSync(path, content);
      const ranges = [
        {},
        { start: 0 },
        { start: size >> 1 },
        { end: size >> 2 },
        { start: size >> 2, end: size >> 1 },
      ];
      for (const { start, end } of ranges) {
        const options = { ...(start !== undefined && { start }), ...(end !== undefined && { end }) };
        const stream = createReadStream(path, options);
        const aggregate = await Aggregate.fromStream(stream, { pool });
        assert(aggregate.equals(content.subarray(start ?? 0, (end ?? size) + 1)), `${size} ${start} ${end}`);
        aggregate.release();
        await closed(stream);
        assert(stream.readableEnded);
      }
    }
    await closeEmpty(pool);
  });
}

test('fromStream() reads a file into the memory of the pool, not through the stream', async context => {
  using folder = new Folder();
  const path = folder.file('content');
  writeFileSync(path, patterned(2_000_000));
  const pool = createPool();
  const handle = await open(path);
  for (const stream of [createReadStream(path), createReadStream(path, { fd: openSync(path, 'r') })]) {
    const read = context.mock.method(stream, '_read');
    const aggregate = await Aggregate.fromStream(stream, { pool });
    assert.equal(read.mock.callCount(), 0);
    assert.equal(stream.bytesRead, 2_000_000);
    assert.equal(aggregate.slices().length, 2);
    aggregate.release();
    await closed(stream);
  }
  await handle.close();
  await closeEmpty(pool);
});

test('fromStream() reads a FileHandle from where it stands, and leaves it open', async () => {
  using folder = new Folder();
  const path = folder.file('content');
  const content = patterned(400_000);
  writeFileSync(path, content);
  const pool = createPool();
  const handle = await open(path);
  await handle.read(Buffer.alloc(100), 0, 100, null);
  const aggregate = await Aggregate.fromStream(handle, { pool });
  assert(aggregate.equals(content.subarray(100)));
  const rest = await Aggregate.fromStream(handle, { pool });
  assert.equal(rest.length, 0);
  await assert.rejects(Aggregate.fromStream(handle, { pool, signal: AbortSignal.abort() }), {
    name: 'AbortError',
  });
  assert.equal((await handle.stat()).size, 400_000);
  for (const each of [aggregate, rest]) each.release();
  const fromHandle = await Aggregate.fromStream(handle.createReadStream({ start: 7 }), { pool });
  assert(fromHandle.equals(content.subarray(7)));
  fromHandle.release();
  await assert.rejects(Aggregate.fromStream(handle, { pool }), { code: 'EBADF' });
  const device = await open('/dev/zero');
  await assert.rejects(Aggregate.fromStream(device, { pool }), { code: 'ERR_IOLITE_ARGUMENT' });
  await device.close();
  await closeEmpty(pool);
});

test('fromStream() of streams of files that are to be read otherwise', async () => {
  using folder = new Folder();
  const path = folder.file('content');
  writeFileSync(path, 'füllt');
  const pool = createPool();
  const hex = await Aggregate.fromStream(createReadStream(path, 'hex'), { pool });
  assert.equal(hex.toString(), Buffer.from('füllt').toString('hex'));
  const begun = createReadStream(path, { highWaterMark: 2 });
  await once(begun, 'readable');
  begun.read(2);
  const rest = await Aggregate.fromStream(begun, { pool });
  assert(rest.equals(Buffer.from('füllt').subarray(2)));
  const fd = openSync(path, 'r');
  const kept = await Aggregate.fromStream(createReadStream('', { fd, autoClose: false }), { pool });
  assert.equal(kept.toString(), 'füllt');
  closeSync(fd);
  for (const each of [hex, rest, kept]) each.release();
  await closeEmpty(pool);
});

test('fromStream() of what has no size, and of a file that grows meanwhile', async () => {
  using folder = new Folder();
  const pool = createPool();
  const status = await Aggregate.fromStream(createReadStream('/proc/self/maps'), { pool });
  assert.match(status.toString(), /node/);
  status.release();
  const path = folder.file('growing');
  writeFileSync(path, 'first');
  const stream = createReadStream(path);
  const { fd } = await new Promise<{ fd: number }>(resolve =>
    stream.once('open', opened => resolve({ fd: opened })),
  );
  assert(fd > 0);
  const growing = Aggregate.fromStream(stream, { pool });
  writeFileSync(path, ' and more', { flag: 'a' });
  const aggregate = await growing;
  assert.equal(aggregate.toString(), 'first and more');
  aggregate.release();
  await closeEmpty(pool);
});

test('fromStream() takes limit bytes of a file and not one more', async () => {
  using folder = new Folder();
  const path = folder.file('content');
  writeFileSync(path, patterned(5000));
  const pool = createPool();
  const aggregate = await Aggregate.fromStream(createReadStream(path), { pool, limit: 5000 });
  aggregate.release();
  const stream = createReadStream(path);
  await assert.rejects(Aggregate.fromStream(stream, { pool, limit: 4999 }), { code: 'ERR_IOLITE_LIMIT' });
  await closed(stream);
  const tight = createPool({ limit: 1024 ** 2 + 4096, chunkSize: 8192 });
  writeFileSync(path, patterned(1024 ** 2));
  const whole = await Aggregate.fromStream(createReadStream(path), { pool: tight });
  assert.equal(whole.length, 1024 ** 2);
  await assert.rejects(Aggregate.fromStream(createReadStream(path), { pool: tight }), {
    code: 'ERR_IOLITE_LIMIT',
  });
  whole.release();
  await closeEmpty(pool);
  await closeEmpty(tight);
});

test('fromStream() passes on what opening and reading fail with', async () => {
  using folder = new Folder();
  const pool = createPool();
  const missing = Aggregate.fromStream(createReadStream(folder.file('missing')), { pool });
  await assert.rejects(missing, { code: 'ENOENT' });
  await assert.rejects(Aggregate.fromStream(createReadStream(folder.path), { pool }), { code: 'EISDIR' });
  writeFileSync(folder.file('unreadable'), 'x');
  const fd = openSync(folder.file('unreadable'), 'a');
  await assert.rejects(Aggregate.fromStream(createReadStream('', { fd }), { pool }), { code: 'EBADF' });
  await closeEmpty(pool);
});

test('fromStream() of a file that is aborted or destroyed: memory goes back after a read', async () => {
  using folder = new Folder();
  const path = folder.file('content');
  // More reads than there are turns below; it takes no room on disk.
  writeFileSync(path, '');
  truncateSync(path, 64 * 1024 ** 2);
  const pool = createPool();
  const reason = new Error('enough');
  const failure = new Error('the stream broke');
  for (let turns = 0; turns < 12; turns++) {
    const controller = new AbortController();
    const aborted = createReadStream(path);
    const abortedResult = Aggregate.fromStream(aborted, { pool, signal: controller.signal });
    const destroyed = createReadStream(path);
    const destroyedResult = Aggregate.fromStream(destroyed, { pool });
    const failed = createReadStream(path);
    const failedResult = Aggregate.fromStream(failed, { pool });
    const refusals = Promise.all([
      assert.rejects(abortedResult, reason),
      assert.rejects(destroyedResult, { code: 'ERR_STREAM_PREMATURE_CLOSE' }),
      assert.rejects(failedResult, failure),
    ]);
    for (let turn = 0; turn < turns; turn++) await setImmediate();
    controller.abort(reason);
    destroyed.destroy();
    failed.destroy(failure);
    await watchdog(refusals, 'the refusals');
    // What the pool has refilled is not what a read is still writing to.
    const others = [1, 2, 3].map(value => pool.from(Buffer.alloc(1024 ** 2, value)));
    for (const stream of [aborted, destroyed, failed]) await closed(stream);
    for (const [index, other] of others.entries()) {
      assert(other.equals(Buffer.alloc(1024 ** 2, index + 1)));
      other.release();
    }
    assert(pool.stats().bytesLive <= pool.chunks.chunkSize);
  }
  await closeEmpty(pool);
});

test('a read that is under way keeps its memory, and its file open, after the abort', async context => {
  using folder = new Folder();
  const path = folder.file('content');
  writeFileSync(path, patterned(100_000));
  const pool = createPool({ memory: 'heap' });
  let endRead = (): void => {};
  const { read } = fs;
  context.after(() => {
    fs.read = read;
  });
  const begun = new Promise<void>(resolve => {
    const slowRead = (_fd: number, target: Buffer): Promise<{ bytesRead: number }> => {
      resolve();
      return new Promise(ended => {
        endRead = () => ended({ bytesRead: target.fill(9).length });
      });
    };
    fs.read = Object.assign(() => {}, { [promisify.custom]: slowRead }) as unknown as typeof fs.read;
  });
  const controller = new AbortController();
  const stream = createReadStream(path);
  const result = Aggregate.fromStream(stream, { pool, signal: controller.signal });
  const refused = assert.rejects(result, { name: 'AbortError' });
  await watchdog(begun, 'the read');
  controller.abort();
  for (let turn = 0; turn < 100; turn++) await setImmediate();
  const other = pool.from(Buffer.alloc(100_000, 1));
  assert(!stream.closed);
  endRead();
  await watchdog(refused, 'the abort');
  await closed(stream);
  assert(other.equals(Buffer.alloc(100_000, 1)));
  other.release();
  await closeEmpty(pool);
});

test('fromStream() of a pipe that nobody writes to can be aborted', async () => {
  using folder = new Folder();
  const path = folder.file('pipe');
  execFileSync('mkfifo', [path]);
  const pool = createPool();
  // Open at both ends, so that neither waits for the other.
  const writer = openSync(path, 'r+');
  const stream = createReadStream(path);
  const controller = new AbortController();
  const result = Aggregate.fromStream(stream, { pool, signal: controller.signal });
  await watchdog(once(stream, 'open'), 'the pipe to open');
  controller.abort();
  await assert.rejects(watchdog(result, 'the abort'), { name: 'AbortError' });
  // Ends the read that is under way.
  writeFileSync(writer, 'x');
  await closed(stream);
  closeSync(writer);
  await closeEmpty(pool);
});

test('fromStream() of a file equals what is on disk, byte by byte', async () => {
  const pool = createPool();
  const path = process.execPath;
  const aggregate = await Aggregate.fromStream(createReadStream(path), { pool });
  assert(aggregate.equals(readFileSync(path)));
  aggregate.release();
  await closeEmpty(pool);
});
