import assert from 'node:assert/strict';
import {
  closeSync,
  fdatasyncSync,
  mkdirSync,
  openSync,
  statfsSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type LoadOptions, loadFile } from '../../../src/file/load/load.ts';
import { loadNow, loadSoon } from '../../../src/file/load/load-now.ts';
import { nextTurn } from '../../../src/file/load/next-turn.ts';
import { dropPageCache } from '../../../src/os/page-cache.ts';
import type { Target } from '../../../src/store/placement.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

const LONG_AGO_S = 1e9;
/** TMPFS_MAGIC, statfs(2): its files have no other place than memory. */
const TMPFS = 0x01021994;

/** Memory beside any store, and how often some was given back. */
class Memory {
  discarded = 0;

  target = (bytes: Buffer): Target => ({
    pieces: [{ bytes }],
    isKept: true,
    discard: () => {
      this.discarded += 1;
    },
  });

  options(more: Partial<LoadOptions<Target>> = {}): LoadOptions<Target> {
    const allocate = async (size: number): Promise<Target> => this.target(Buffer.alloc(size));
    return { root: undefined, largest: 2 ** 20, allocate, copy: this.target, ...more };
  }
}

function textOf(target: Target | undefined): string | undefined {
  return target && Buffer.concat(target.pieces.map(({ bytes }) => bytes)).toString();
}

function oldFile(folder: Folder, name: string, content: string): string {
  const path = folder.file(name);
  writeFileSync(path, content);
  utimesSync(path, LONG_AGO_S, LONG_AGO_S);
  return path;
}

test('a file is read whole, by each of the ways; one that is too large is opened', async () => {
  using folder = new Folder();
  const memory = new Memory();
  const path = oldFile(folder, 'a', 'the content');
  const options = memory.options();
  const loaded = await loadFile(path, options);
  assert.deepEqual([textOf(loaded.target), loaded.realPath, loaded.handle], ['the content', path, undefined]);
  // What was changed a moment ago is left alone by these.
  const allocate = (size: number): Target => memory.target(Buffer.alloc(size));
  const texts = async (): Promise<(string | undefined)[]> => {
    for (;;) {
      const soon = await loadSoon(path, options);
      const now = loadNow(path, { largest: 100, allocate });
      if (soon !== undefined && typeof now === 'object') return [textOf(soon.target), textOf(now.target)];
      await setImmediate();
    }
  };
  assert.deepEqual(await watchdog(texts(), 'a calm file'), ['the content', 'the content']);
  assert.equal(loadNow(path, { largest: 10, allocate: () => assert.fail('it is too large') }), undefined);
  assert.equal(loadNow(path, { largest: 100, allocate: () => undefined }), undefined);
  const large = await loadFile(path, memory.options({ largest: 10 }));
  assert.equal(large.target, undefined);
  await large.handle?.close();
  assert.equal(memory.discarded, 0);
});

test('what is no file, is not there, or lies outside is refused, and memory given back', async () => {
  using folder = new Folder();
  const memory = new Memory();
  mkdirSync(folder.file('in'));
  const outside = oldFile(folder, 'out', 'the content');
  symlinkSync(outside, folder.file('in/link'));
  const inside = memory.options({ root: folder.file('in') });
  await assert.rejects(loadFile(folder.file('in'), memory.options()), { code: 'EISDIR' });
  await assert.rejects(loadFile(folder.file('none'), memory.options()), { code: 'ENOENT' });
  await assert.rejects(loadFile(folder.file('in/link'), inside), { code: 'EACCES' });
  await assert.rejects(loadFile(folder.file('in/link'), { ...memory.options(), follow: false }), {
    code: 'ELOOP',
  });
  const failing = memory.options({ allocate: async () => Promise.reject(new Error('there is none')) });
  await assert.rejects(loadFile(outside, failing), /there is none/);
  assert.equal(loadNow(folder.file('none'), { largest: 100, allocate: () => assert.fail() }), undefined);
  assert.equal(memory.discarded, 0);
});

test('what is on the disk alone comes in the next turns, and nothing is allocated before', async context => {
  using folder = new Folder();
  if (statfsSync(folder.path).type === TMPFS) return context.skip('files of a tmpfs are in memory');
  const memory = new Memory();
  for (const size of [1, 4096, 5000, 200_000]) {
    const content = 'x'.repeat(size);
    const path = folder.file(`${size}`);
    writeFileSync(path, content);
    const fd = openSync(path, 'r');
    fdatasyncSync(fd);
    let isAllocated = false;
    const allocate = (length: number): Target => {
      isAllocated = true;
      return memory.target(Buffer.alloc(length));
    };
    const begins = async (): Promise<void> => {
      for (;;) {
        // The kernel does not let go of what somebody else is just at, and a new file is left to become calm.
        dropPageCache(fd);
        isAllocated = false;
        if (loadNow(path, { largest: 2 ** 20, allocate }) === 'begun') return;
        await setImmediate();
      }
    };
    await watchdog(begins(), 'a file that is on the disk alone');
    assert.equal(isAllocated, false);
    const comes = async (): Promise<Target | undefined> => {
      for (;;) {
        await nextTurn();
        const loaded = loadNow(path, { largest: 2 ** 20, allocate });
        if (typeof loaded === 'object') return loaded.target;
      }
    };
    assert.equal(textOf(await watchdog(comes(), 'what the kernel reads')), content);
    closeSync(fd);
  }
});

test('all who wait for the next turn in one turn wait for the same', async () => {
  const first = nextTurn();
  assert.equal(nextTurn(), first);
  await first;
  assert.notEqual(nextTurn(), first);
});
