import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool, type Pool } from '../../../src/aggregate/pool.ts';
import { attachFileCache } from '../../../src/file/cache/attached-cache.ts';
import { createFileCache, type FileCacheOptions } from '../../../src/file/cache/owned-cache.ts';
import type { File } from '../../../src/file/open/file.ts';
import { openFile } from '../../../src/file/open/open-file.ts';
import { versionOf } from '../../../src/file/version/file-version.ts';
import type { SharedChunk } from '../../../src/memory/shared-chunk.ts';
import { receive } from '../../../src/network/receive.ts';
import { sendAggregate } from '../../../src/network/send.ts';
import type { CachePolicy } from '../../../src/store/policy.ts';
import { ended, Family } from '../../support/family.ts';
import { Folder } from '../../support/folder.ts';
import { Onlooker, secret } from '../../support/onlooker.ts';
import { lengthOf } from '../support/numbered.ts';
import { pageFrames } from '../support/page-frames.ts';
import { physicalBytes } from '../support/physical.ts';

const KiB = 1024;
const MiB = 1024 ** 2;
const HOUR_MS = 3_600_000;

/** A folder, and a cache that reads the disk for nothing but what it does not have. */
class Fixture {
  readonly folder = new Folder();
  readonly family = new Family();
  readonly pool: Pool;
  readonly cache;
  readonly path = this.folder.file('a');

  constructor(options: Partial<FileCacheOptions> = {}, pool: Parameters<typeof createPool>[0] = {}) {
    this.cache = createFileCache({ budget: 64 * MiB, maxStale: HOUR_MS, govern: false, ...options });
    this.pool = createPool({ name: 'writer', ...pool });
  }

  open(flags: Parameters<typeof openFile>[1] = 'w', path = this.path): Promise<File> {
    return openFile(path, flags, { cache: this.cache, pool: this.pool });
  }

  /** What the cache gives for the file, and how often it had to read the disk for that. */
  async read(path = this.path): Promise<{ content: Aggregate; reads: number }> {
    const { misses } = this.cache.stats();
    const content = await this.cache.read(path);
    return { content, reads: this.cache.stats().misses - misses };
  }

  /** Writes a content as a whole, and brings it to disk. */
  async put(content: Aggregate | Buffer | string, path = this.path): Promise<void> {
    await using file = await this.open('w', path);
    await file.replace(content);
    await file.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.family[Symbol.asyncDispose]();
    this.cache.close();
    this.pool.close();
    this.folder[Symbol.dispose]();
  }
}

function bytesOf(length: number, seed = 0): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) + seed) & 0xff));
}

function chunksOf(content: Aggregate): Set<string> {
  return new Set(content.slices().map(({ lease }) => lease.chunk.id));
}

const SIZES = [0, 1, 4096, 64 * KiB, 300_000, 5 * MiB];

test('what was synced is in the cache, whatever its size and slices, and nobody reads it', async () => {
  await using fixture = new Fixture();
  const { pool } = fixture;
  for (const size of SIZES) {
    const bytes = bytesOf(size);
    const third = Math.floor(size / 3);
    const contents: [string, Aggregate][] = [
      ['one buffer', pool.from(bytes)],
      [
        'three',
        pool.from([bytes.subarray(0, third), bytes.subarray(third, 2 * third), bytes.subarray(2 * third)]),
      ],
    ];
    using whole = pool.from(bytes);
    if (size <= 4096)
      contents.push([
        'single bytes',
        Aggregate.concat(Array.from({ length: size }, (_, i) => whole.slice(i, i + 1))),
      ]);
    for (const [what, content] of contents) {
      await fixture.put(content);
      const { content: read, reads } = await fixture.read();
      assert.deepEqual([read.equals(bytes), reads], [true, 0], `${size} in ${what}`);
      assert.ok(readFileSync(fixture.path).equals(bytes));
      // What is large is not copied.
      if (size >= 256 * KiB && what === 'one buffer') assert.deepEqual(chunksOf(read), chunksOf(content));
      // With the facts that whoever reads it from the disk finds.
      using other = createFileCache({ budget: 64 * MiB });
      using expected = await other.snapshot(fixture.path);
      using snapshot = await fixture.cache.snapshot(fixture.path);
      const { etag, mtimeMs, mediaType } = snapshot;
      assert.deepEqual([etag, mtimeMs, mediaType], [expected.etag, expected.mtimeMs, expected.mediaType]);
      read.release();
      content.release();
    }
  }
});

test('a part that was written comes beside what the cache has; readers keep what they have', async () => {
  await using fixture = new Fixture();
  for (const size of [5000, 64 * KiB, 5 * MiB]) {
    const bytes = bytesOf(size);
    writeFileSync(fixture.path, bytes);
    fixture.cache.invalidate(fixture.path);
    using before = await fixture.cache.read(fixture.path);
    await using file = await fixture.open('r+');
    const after = Buffer.from(bytes);
    for (const [offset, text] of [
      [10, 'here'],
      [size - 3, 'at the end'],
      [2000, 'x'.repeat(2000)],
    ] as const) {
      await file.write(offset, text);
      const model = Buffer.alloc(Math.max(size, offset + text.length));
      after.copy(model);
      model.write(text, offset);
      // Of those who have it open, at once; of others, when it is on disk.
      using own = await file.read(0, file.size);
      assert.equal(own.toString('latin1', offset, offset + text.length), text);
      using others = await fixture.cache.read(fixture.path);
      assert.equal(others.length, statSync(fixture.path).size);
      await file.sync();
    }
    const expected = readFileSync(fixture.path);
    assert.equal(expected.length, size + 7);
    const { content, reads } = await fixture.read();
    assert.deepEqual([content.equals(expected), reads], [true, 0], `${size}`);
    content.release();
    assert.ok(before.equals(bytes));
    await file.truncate(size + 100_000);
    await file.sync();
    const { content: longer, reads: more } = await fixture.read();
    assert.deepEqual([longer.equals(readFileSync(fixture.path)), more], [true, 0]);
    longer.release();
  }
});

test('reads of the file go by way of the cache once it is synced, and nothing is held twice', async () => {
  await using fixture = new Fixture();
  const bytes = bytesOf(100_000);
  await using file = await fixture.open();
  await file.replace(bytes);
  await file.sync();
  using read = await file.read(0, 100_000);
  using cached = await fixture.cache.read(fixture.path);
  assert.ok(read.equals(bytes));
  assert.deepEqual(chunksOf(read), chunksOf(cached));
  assert.equal(fixture.pool.trim() > 0, true);
  assert.equal(fixture.pool.stats().bytesMapped, 0);
});

test('from network to file to cache to network: one physical copy', async t => {
  await using fixture = new Fixture();
  const bytes = bytesOf(5 * MiB);
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect(port, '127.0.0.1');
  const [socket] = await accepted;
  client.end(bytes);
  const upload = Aggregate.empty();
  for await (const part of receive(socket, { pool: fixture.pool })) {
    upload.append(part);
    part.release();
  }
  socket.destroy();
  const received = { chunks: chunksOf(upload), frames: pageFrames(upload) };
  await fixture.put(upload);
  upload.release();
  const { content, reads } = await fixture.read();
  assert.deepEqual([content.equals(bytes), reads], [true, 0]);
  // All but a chunk that is full to a part only stays where the kernel has put it.
  const kept = content.slices().filter(({ lease }) => received.chunks.has(lease.chunk.id));
  const keptBytes = kept.reduce((sum, { length }) => sum + length, 0);
  assert.ok(keptBytes > 4 * MiB, `${keptBytes} bytes stayed where they were`);
  if (received.frames === undefined) t.diagnostic('only root is told of page frames');
  else {
    const before = new Set(received.frames);
    const after = (pageFrames(content) as bigint[]).filter(frame => before.has(frame));
    assert.ok(after.length >= (keptBytes * 0.95) / 4096, `${after.length} pages`);
  }
  // The file, the cache and the pool it came into hold it once together.
  fixture.pool.trim();
  const physical = physicalBytes('writer', [process.pid]) + physicalBytes('cache', [process.pid]);
  assert.ok(physical <= 7.5 * MiB, `${physical}`);
  await sendBack(server, content, bytes);
  content.release();
});

/** Sends a content by reference, and checks what arrives. */
async function sendBack(server: Server, content: Aggregate, expected: Buffer): Promise<void> {
  const { port } = server.address() as { port: number };
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect(port, '127.0.0.1');
  const [socket] = await accepted;
  const arrived: Buffer[] = [];
  client.on('data', data => arrived.push(data));
  await sendAggregate(socket, content, { mode: 'reference' });
  socket.end();
  await once(client, 'close');
  assert.ok(Buffer.concat(arrived).equals(expected));
  server.close();
}

test('attached domains are told, get it from memory, and keep what they had', async () => {
  await using fixture = new Fixture();
  const child = await Onlooker.start(fixture.family);
  fixture.cache.serve(child.channel);
  for (const size of [100, 64 * KiB, 5 * MiB]) {
    for (let version = 0; version < 3; version++) {
      const name = `${size} version ${version}`;
      await fixture.put(secret(name, size));
      const { misses } = fixture.cache.stats();
      // What is told is under way when the file is synced.
      while (!(await child.read(fixture.path)).startsWith(`<<${name}>>`));
      assert.equal(fixture.cache.stats().misses, misses);
    }
  }
});

test('domains see what was written, and nothing that lay with it, before or after', async () => {
  await using fixture = new Fixture({}, { limit: 8 * MiB });
  const { pool, folder } = fixture;
  mkdirSync(folder.file('in'));
  const [inside, all] = [await Onlooker.start(fixture.family), await Onlooker.start(fixture.family)];
  fixture.cache.serve(inside.channel, { root: folder.file('in') });
  fixture.cache.serve(all.channel);
  for (const size of [100, 64 * KiB, MiB]) {
    for (const name of ['in/a', 'b']) {
      const path = folder.file(name);
      pool.from(secret('before', size)).release();
      using beside = pool.from(secret('beside', 1000));
      using whole = pool.from(Buffer.concat([secret(name, size), secret('behind')]));
      using part = whole.slice(0, size);
      for (const content of [part, pool.from(secret(name, size))]) {
        await fixture.put(content, path);
        if (name !== 'b') assert.ok((await inside.read(path)).startsWith(`<<${name}>>`));
        assert.ok((await all.read(path)).startsWith(`<<${name}>>`));
      }
      rmSync(path);
      fixture.cache.invalidate(path);
      pool.from(secret('after', size)).release();
      assert.ok(beside.startsWith('<<beside>>'));
    }
  }
  assert.deepEqual(await inside.sees(), ['in/a']);
  assert.deepEqual(await all.sees(), ['b', 'in/a']);
});

test('a pool whose access list differs gives the cache no memory', async () => {
  for (const acl of ['everyone' as const, { uids: [4242] }]) {
    await using fixture = new Fixture({}, { acl });
    const child = await Onlooker.start(fixture.family);
    fixture.cache.serve(child.channel);
    using content = fixture.pool.from(secret('content', MiB));
    await fixture.put(content);
    using cached = await fixture.cache.read(fixture.path);
    for (const { lease } of cached.slices()) {
      assert.ok(!chunksOf(content).has(lease.chunk.id));
      assert.notDeepEqual((lease.chunk as SharedChunk).acl, fixture.pool.chunks.acl);
    }
    assert.ok((await child.read(fixture.path)).startsWith('<<content>>'));
  }
});

test('what another process can still write is read from the disk', async () => {
  await using fixture = new Fixture();
  const { channel } = await fixture.family.fork(new URL('../children/giver.ts', import.meta.url));
  for (const kind of ['recycle', 'seal']) {
    const { body } = await channel.request({ head: kind });
    await fixture.put(body as Aggregate);
    const { content, reads } = await fixture.read();
    assert.ok(content.equals((body as Aggregate).toBuffer()));
    // Nobody can write what is sealed: it is copied from memory.
    assert.equal(reads, kind === 'seal' ? 0 : 1);
    content.release();
    body?.release();
  }
});

test('a version that the path does not lead to is not taken over', async () => {
  await using fixture = new Fixture();
  const { cache, path, folder } = fixture;
  using content = fixture.pool.from('what was written');
  const found = () => versionOf(statSync(path, { bigint: true }), path);
  writeFileSync(path, 'what was written');
  const before = found();
  assert.equal(await cache.adopt(path, { ...before, size: 3 }, content), false);
  assert.equal(await cache.adopt(path, { ...before, inode: 3n }, content), false);
  writeFileSync(folder.file('b'), 'another content.');
  renameSync(folder.file('b'), path);
  assert.equal(await cache.adopt(path, before, content), false);
  unlinkSync(path);
  await assert.rejects(cache.adopt(path, before, content), { code: 'ENOENT' });
  writeFileSync(path, 'what is there');
  const { content: read } = await fixture.read();
  assert.equal(read.toString(), 'what is there');
  read.release();
  assert.equal(cache.stats().filling, 0);
});

test('somebody who changes the file when it is synced is seen by the cache', async () => {
  await using fixture = new Fixture({ maxStale: 20 });
  for (const change of [
    () => writeFileSync(fixture.path, 'in place'),
    () => {
      writeFileSync(fixture.folder.file('b'), 'in place');
      renameSync(fixture.folder.file('b'), fixture.path);
    },
  ]) {
    await fixture.put('ours and longer');
    const { content: ours, reads } = await fixture.read();
    assert.deepEqual([ours.toString(), reads], ['ours and longer', 0]);
    ours.release();
    change();
    for (let text = ''; text !== 'in place'; ) {
      // What is told comes in turns of the event loop, which hits do not end.
      await setImmediate();
      using content = await fixture.cache.read(fixture.path);
      text = content.toString();
    }
  }
});

test('what there is no room for, or is not admitted, is right all the same', async () => {
  for (const options of [{ budget: 0 }, { budget: 2 * MiB }, { policy: refuser() }]) {
    await using fixture = new Fixture(options);
    // Without others to make room for nobody is asked whether it is admitted.
    for (const size of [100, 3 * MiB]) {
      await fixture.put(bytesOf(size, 1));
      await fixture.put(bytesOf(size));
      const { content } = await fixture.read();
      assert.ok(content.equals(bytesOf(size)));
      content.release();
    }
  }
});

function refuser(): CachePolicy {
  const none = (): void => {};
  return { name: 'none', added: none, hit: none, removed: none, victim: () => undefined, admit: () => false };
}

test('the budget counts what is taken over, also when writers keep it, and evicts', async () => {
  const budget = 8 * MiB;
  await using fixture = new Fixture({ budget });
  const { cache, folder } = fixture;
  const child = await Onlooker.start(fixture.family);
  cache.serve(child.channel);
  const held: Aggregate[] = [];
  for (let i = 0; i < 24; i++) {
    const content = fixture.pool.from(bytesOf(MiB, i));
    const path = folder.file(`${i}`);
    await fixture.put(content, path);
    if (i % 4 === 0) await child.read(path);
    if (i < 4) held.push(content);
    else content.release();
    const { live, dead, filling, room, headers, leased } = cache.stats();
    assert.ok(live + dead + filling + room + headers + leased <= budget);
  }
  const { evictions, entries } = cache.stats();
  // How many, and what finds no room, depends on how soon the other process gives up what it was told to.
  assert.ok(evictions > 0, `${evictions} evictions, ${entries} entries`);
  for (const [i, content] of held.entries()) {
    assert.ok(content.equals(bytesOf(MiB, i)));
    content.release();
  }
  cache.stats();
  const pids = [process.pid, child.channel.peer.pid];
  const physical = physicalBytes('writer', pids) + physicalBytes('cache', pids);
  const { bytesMapped } = fixture.pool.stats();
  assert.ok(physical - bytesMapped <= budget + 4 * MiB, `${physical} and ${bytesMapped}`);
  cache.close();
  assert.equal(physicalBytes('cache', [process.pid]), 0);
});

test('a disk that is full loses nothing: neither what was written, nor what the cache has', async t => {
  await using fixture = new Fixture();
  const mount = fixture.folder.file('disk');
  mkdirSync(mount);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mount], { stdio: 'ignore' });
  } catch {
    t.skip('only root can mount');
    return;
  }
  try {
    const path = `${mount}/a`;
    const [old, next] = [bytesOf(MiB), bytesOf(3 * MiB, 1)];
    await fixture.put(old, path);
    writeFileSync(`${mount}/other`, Buffer.alloc(MiB));
    const file = await fixture.open('r+', path);
    using content = fixture.pool.from(next);
    await file.replace(content);
    await assert.rejects(file.sync(), { code: 'ENOSPC' });
    using still = await fixture.cache.read(path);
    assert.ok(still.equals(old));
    using own = await file.read(0, 3 * MiB);
    assert.ok(own.equals(next));
    unlinkSync(`${mount}/other`);
    unlinkSync(path);
    writeFileSync(path, '');
    await assert.rejects(file.sync(), { code: 'ERR_IOLITE_CONFLICT' });
    await file.reload();
    await file.replace(content);
    await file.sync();
    const { content: read } = await fixture.read(path);
    assert.ok(read.equals(next));
    read.release();
    await file.close();
  } finally {
    execFileSync('umount', ['-l', mount]);
  }
});

test('whenever the writer is killed, who is attached has one version whole, as the disk has', async () => {
  using folder = new Folder();
  for (let kill = 0; kill < 4; kill++) {
    await using family = new Family();
    const path = folder.file(`${kill}`);
    const owner = await family.fork(new URL('../children/adopting-owner.ts', import.meta.url), [path]);
    using cache = await attachFileCache(owner.channel);
    const detached = once(cache, 'detached');
    let seen = -1;
    for (let reads = 0; reads < 5 + 20 * kill; ) {
      const content = await cache.read(path).catch(error => assert.equal(error.code, 'ENOENT'));
      // Also so that what is told comes in.
      await owner.channel.request({ head: 'next' });
      if (content === undefined) continue;
      seen = numberOf(content.toBuffer(), seen);
      content.release();
      reads += 1;
    }
    await ended(owner.process, 'SIGKILL');
    await detached;
    const last = numberOf(readFileSync(path), seen);
    try {
      using content = await cache.read(path);
      assert.ok(numberOf(content.toBuffer(), seen) <= last);
    } catch (error) {
      // It was told of the next version and had not asked for it.
      assert.equal((error as NodeJS.ErrnoException).code, 'ERR_IOLITE_PEER');
    }
  }
});

/** Which version these bytes are, of those that the child writes: whole, and not earlier than another. */
function numberOf(bytes: Buffer, least: number): number {
  const n = Number(/^<(\d+)>/.exec(bytes.toString('latin1', 0, 20))?.[1]);
  assert.ok(n >= least, `version ${n} came after version ${least}`);
  assert.ok(bytes.equals(Buffer.alloc(bytes.length, `<${n}>`)));
  assert.equal(bytes.length, lengthOf(n));
  return n;
}
