import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  fdatasyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { attachFileCache } from '../../../src/file/cache/attached-cache.ts';
import { type DirectRead, DirectReads } from '../../../src/file/cache/direct-reads.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { dropPageCache } from '../../../src/os/page-cache.ts';
import type { CacheEntry, CachePolicy } from '../../../src/store/policy.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

const MiB = 1024 ** 2;
const HOUR_MS = 3_600_000;
const LONG_AGO_S = 1e9;

/** Written long ago, as files of a site are: not within the moment that follows a change. */
async function oldFile(folder: Folder, name: string, content: string | Buffer): Promise<string> {
  const path = folder.file(name);
  writeFileSync(path, content);
  utimesSync(path, LONG_AGO_S, LONG_AGO_S);
  await settled(path);
  return path;
}

/** Waits until what is known of a file is kept. */
async function settled(path: string): Promise<void> {
  using reads = new DirectReads(() => HOUR_MS);
  const facts = (): object | undefined => {
    const read = reads.read(path);
    read?.held.release();
    return read?.held.facts;
  };
  await watchdog(
    (async () => {
      for (let last = facts(); ; ) {
        const next = facts();
        if (next !== undefined && next === last) return;
        last = next;
        await setImmediate();
      }
    })(),
    `direct reads of ${path}`,
  );
}

function textOf(reads: DirectReads, path: string): string | undefined {
  const read = reads.read(path);
  const text = read?.held.content?.toString();
  read?.held.release();
  return text;
}

test('a file is read as it is on the disk now', async () => {
  using folder = new Folder();
  using reads = new DirectReads(() => HOUR_MS);
  const path = await oldFile(folder, 'a.bin', 'one');
  assert.equal(textOf(reads, path), 'one');
  assert.equal(textOf(reads, path), 'one');
  await oldFile(folder, 'b.bin', 'two');
  renameSync(folder.file('b.bin'), path);
  await settled(path);
  assert.equal(textOf(reads, path), 'two');
});

test('its facts are those of the owner, and stay the same object as long as it is the same', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: MiB });
  using reads = new DirectReads(() => HOUR_MS);
  const path = await oldFile(folder, 'a.html', '<p>one</p>');
  const facts = [1, 2, 3].map(() => {
    const read = reads.read(path);
    read?.held.release();
    return read?.held.facts;
  });
  using snapshot = await cache.snapshot(path);
  const { size, mtimeMs, etag, mediaType } = snapshot;
  assert.deepEqual(facts[0], { size, mtimeMs, etag, mediaType });
  assert.deepEqual(facts[1], facts[0]);
  assert.equal(facts[2], facts[1]);
});

test('what is not simply a small file of this machine is left to the owner', async () => {
  using folder = new Folder();
  using reads = new DirectReads(() => HOUR_MS);
  mkdirSync(folder.file('directory'));
  writeFileSync(folder.file('large'), Buffer.alloc(128 * 1024 + 1));
  writeFileSync(folder.file('empty.bin'), '');
  symlinkSync(folder.file('a.html'), folder.file('link'));
  // The last one: when it has settled, so have they.
  const path = await oldFile(folder, 'a.html', 'content, which is long enough');
  // For a moment, which may be over by the time that it is read.
  const isLeft = (): boolean => {
    using others = new DirectReads(() => HOUR_MS);
    writeFileSync(folder.file('fresh'), 'written just now');
    return textOf(others, folder.file('fresh')) === undefined;
  };
  assert.ok(Array.from({ length: 20 }, isLeft).includes(true));
  for (const name of ['directory', 'link', 'large', 'empty.bin', 'none', 'a.html/', '/a.html', '']) {
    assert.equal(textOf(reads, `${folder.path}/${name}`), undefined, name);
  }
  assert.equal(textOf(reads, '/proc/self/status'), undefined);
  // With a form beside it, what is sent depends on the request.
  writeFileSync(`${path}.br`, 'form');
  assert.equal(textOf(reads, path), undefined);
});

test('a form that appears beside a file is found within the time that its absence counts', async () => {
  using folder = new Folder();
  using always = new DirectReads(() => HOUR_MS);
  using never = new DirectReads(() => 0);
  const path = await oldFile(folder, 'a.html', 'content');
  for (const reads of [always, never, always, never]) assert.equal(textOf(reads, path), 'content');
  writeFileSync(`${path}.gz`, 'form');
  assert.equal(textOf(always, path), 'content');
  assert.equal(textOf(never, path), undefined);
});

test('a file is proposed at the second time, and when it has come twice as often', async () => {
  using folder = new Folder();
  using reads = new DirectReads(() => HOUR_MS);
  const path = await oldFile(folder, 'a', 'content');
  const told = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(() => {
    const read = reads.read(path);
    assert.ok(read !== undefined);
    read.held.release();
    return reads.news(read);
  });
  // Each read is told of once.
  assert.deepEqual(told, [0, 2, 0, 2, 0, 0, 0, 4, 0]);
  const other = await oldFile(folder, 'b', 'content');
  const toldWhereCrowded = [1, 2, 3, 4, 5, 6, 7, 8].map(() => {
    const read = reads.read(other);
    read?.held.release();
    return read === undefined ? undefined : reads.news(read, true);
  });
  assert.deepEqual(toldWhereCrowded, [0, 0, 0, 4, 0, 0, 0, 4]);
});

test('what is held of files is bounded: beyond that they are left to the owner', async () => {
  using folder = new Folder();
  using reads = new DirectReads(() => HOUR_MS);
  const path = await oldFile(folder, 'a', Buffer.alloc(128 * 1024, 'x'));
  const held = [];
  for (;;) {
    const read = reads.read(path);
    if (read === undefined) break;
    held.push(read.held);
    assert.ok(held.length < 1000);
  }
  assert.ok(held.length > 50 && held.length <= 128, `${held.length} of 128 KiB`);
  for (const each of held) each.release();
  assert.equal(textOf(reads, path)?.length, 128 * 1024);
});

test('an attached cache reads directly if it is told to, and what comes again is indexed', async () => {
  using folder = new Folder();
  using pair = new ChannelPair();
  using cache = createFileCache({ budget: 8 * MiB, maxStale: HOUR_MS });
  cache.serve(pair.far);
  const path = await oldFile(folder, 'a', 'content');
  using plain = await attachFileCache(pair.near);
  assert.equal(plain.readNow(path), undefined);
  plain.close();
  using direct = await attachFileCache(pair.near, { direct: true });
  const readOnce = (): string | undefined => {
    using snapshot = direct.readNow(path);
    return snapshot?.content?.toString();
  };
  assert.equal(direct.peek(path), undefined);
  assert.equal(readOnce(), 'content');
  assert.equal(cache.stats().misses, 0);
  assert.equal(readOnce(), 'content');
  await watchdog(untilIndexed(), 'the file in the index');
  assert.equal(cache.stats().entries, 1);
  using hit = direct.peek(path);
  assert.equal(hit?.content?.toString(), 'content');

  async function untilIndexed(): Promise<void> {
    for (;;) {
      using found = direct.peek(path);
      if (found !== undefined) return;
      await setImmediate();
    }
  }
});

test('without its owner an attached cache reads nothing directly', async () => {
  using folder = new Folder();
  using pair = new ChannelPair();
  const cache = createFileCache({ budget: MiB });
  cache.serve(pair.far);
  const path = await oldFile(folder, 'a', 'content');
  using direct = await attachFileCache(pair.near, { direct: true });
  const gone = new Promise(resolve => direct.once('detached', resolve));
  cache.close();
  await watchdog(gone, 'the news that the owner has closed');
  assert.equal(direct.readNow(path), undefined);
});

test('a file that may not be read, or has other names, is as the kernel has it', async () => {
  using folder = new Folder();
  using reads = new DirectReads(() => HOUR_MS);
  const path = await oldFile(folder, 'a', 'content');
  linkSync(path, folder.file('b'));
  await settled(path);
  assert.equal(textOf(reads, folder.file('b')), 'content');
  chmodSync(path, 0);
  // Who may read all is not asked.
  if (process.getuid?.() !== 0) assert.equal(textOf(reads, path), undefined);
});

test('what is on the disk alone is read by the thread pool, and a file at a time once', async () => {
  using folder = new Folder();
  using reads = new DirectReads(() => HOUR_MS);
  const path = await oldFile(folder, 'a', 'content');
  const [first, second] = await Promise.all([reads.readSoon(path), reads.readSoon(path)]);
  assert.equal(first?.held.content?.toString(), 'content');
  assert.equal(second, undefined);
  first.held.release();
  assert.equal(await reads.readSoon(folder.file('none')), undefined);
  mkdirSync(folder.file('directory'));
  assert.equal(await reads.readSoon(folder.file('directory')), undefined);
  const again = await reads.readSoon(path);
  assert.equal(again?.held.content?.toString(), 'content');
  again.held.release();
});

test('what the kernel does not have stays open for no longer than nobody else has a turn', async () => {
  using folder = new Folder();
  using reads = new DirectReads(() => HOUR_MS);
  const path = await oldFile(folder, 'a', Buffer.alloc(128 * 1024, 'x'));
  const isOpen = (): boolean =>
    readdirSync('/proc/self/fd').some(fd => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === path;
      } catch {
        return false;
      }
    });
  const read = dropped(path, reads);
  assert.equal(isOpen(), read === undefined);
  read?.held.release();
  await null;
  assert.equal(isOpen(), false);
  dropped(path, reads)?.held.release();
  const soon = await reads.readSoon(path);
  assert.equal(soon?.held.content?.length, 128 * 1024);
  soon.held.release();
  assert.equal(isOpen(), false);
});

/** What is read of a file that the kernel was told to drop: nothing, where it has done so. */
function dropped(path: string, reads: DirectReads): DirectRead | undefined {
  const fd = openSync(path, 'r');
  try {
    fdatasyncSync(fd);
    dropPageCache(fd);
  } finally {
    closeSync(fd);
  }
  return reads.read(path);
}

test('an attached cache reads from the disk itself, and asks its owner for what comes again', async () => {
  using folder = new Folder();
  using pair = new ChannelPair();
  using cache = createFileCache({ budget: 8 * MiB, maxStale: HOUR_MS });
  cache.serve(pair.far);
  const path = await oldFile(folder, 'a', 'content');
  using direct = await attachFileCache(pair.near, { direct: true });
  const readOnce = async (): Promise<string | undefined> => {
    using snapshot = await direct.snapshot(path);
    return snapshot.content?.toString();
  };
  assert.equal(await readOnce(), 'content');
  assert.equal(cache.stats().misses, 0);
  assert.equal(await readOnce(), 'content');
  await watchdog(
    (async () => {
      while (cache.stats().entries === 0) await setImmediate();
    })(),
    'the file in the cache',
  );
  await assert.rejects(direct.snapshot(folder.file('none')), { code: 'ENOENT' });
  const gone = new AbortController();
  const given = direct.snapshot(await oldFile(folder, 'b', 'other'), { signal: gone.signal });
  gone.abort();
  await assert.rejects(given, { name: 'AbortError' });
});

test('of many files that the owner would keep some are asked for at a time, and all in the end', async () => {
  using folder = new Folder();
  using pair = new ChannelPair();
  using cache = createFileCache({ budget: 8 * MiB, maxStale: HOUR_MS });
  cache.serve(pair.far);
  using direct = await attachFileCache(pair.near, { direct: true });
  const paths: string[] = [];
  for (let i = 0; i < 300; i++) {
    paths.push(folder.file(`${i}`));
    writeFileSync(folder.file(`${i}`), `file ${i}`);
    utimesSync(folder.file(`${i}`), LONG_AGO_S, LONG_AGO_S);
  }
  await settled(paths.at(-1) as string);
  for (let time = 0; time < 2; time++)
    await Promise.all(paths.map(async path => (await direct.snapshot(path)).release()));
  await watchdog(
    (async () => {
      while (direct.stats().entries < paths.length) await setImmediate();
    })(),
    'all of them in the index',
  );
});

test('what its owner has moved an attached cache asks it for, and does not read', async () => {
  using folder = new Folder();
  using pair = new ChannelPair();
  using cache = createFileCache({ budget: 8 * MiB, maxStale: HOUR_MS, policy: 'lru' });
  cache.serve(pair.far);
  // Of a size that leaves segments partly dead when some of their files go.
  const paths: string[] = [];
  for (let i = 0; i < 300; i++) paths.push(await oldFile(folder, `${i}`, Buffer.alloc(60_000, i)));
  using direct = await attachFileCache(pair.near, { direct: true });
  let asked = 0;
  const filled = async (): Promise<void> => {
    for (let i = 0; cache.stats().cleanings === 0 || asked === 0; i++) {
      // Every third is asked for more often than the others, and stays when they go.
      const path = paths[(i % 2 === 0 ? 3 * i : i) % paths.length] as string;
      (await direct.snapshot(path)).release();
      for (const known of paths) {
        using here = direct.peek(known);
        using there = here === undefined ? cache.peek(known) : undefined;
        if (there === undefined || !cache.stats().cleanings) continue;
        using read = direct.readNow(known);
        if (read === undefined) asked += 1;
      }
    }
  };
  await watchdog(filled(), 'a file that was moved and is not read', 60_000);
});

test('what the policy of the owner would not keep the owner does not read', async () => {
  using folder = new Folder();
  using pair = new ChannelPair();
  const asked: string[] = [];
  const kept = new Set<CacheEntry>();
  const policy: CachePolicy = {
    name: 'choosy',
    admit: ({ key }, uses = 1) => {
      asked.push(`${uses}`);
      return key.endsWith('good');
    },
    added: entry => void kept.add(entry),
    hit: () => {},
    removed: entry => void kept.delete(entry),
    victim: eligible => [...kept].find(eligible),
  };
  using cache = createFileCache({ budget: MiB, maxStale: HOUR_MS, policy, govern: false });
  cache.serve(pair.far);
  // Until nothing comes in but at the price of others.
  for (let i = 0; asked.length === 0; i++)
    (await cache.snapshot(await oldFile(folder, `${i} good`, Buffer.alloc(100_000, i)))).release();
  using direct = await attachFileCache(pair.near, { direct: true });
  const readTwice = async (path: string): Promise<void> => {
    for (let time = 0; time < 2; time++) (await direct.snapshot(path)).release();
  };
  const { misses } = cache.stats();
  const before = asked.length;
  await readTwice(await oldFile(folder, 'bad', 'content'));
  await watchdog(
    (async () => {
      while (asked.length === before) await setImmediate();
    })(),
    'a proposal',
  );
  assert.deepEqual(asked.slice(before), ['2']);
  const good = await oldFile(folder, 'another good', 'content');
  await readTwice(good);
  await watchdog(
    (async () => {
      for (;;) {
        using snapshot = direct.peek(good);
        if (snapshot !== undefined) return;
        await setImmediate();
      }
    })(),
    'what is admitted in the cache',
  );
  assert.equal(cache.stats().misses, misses + 1);
});
