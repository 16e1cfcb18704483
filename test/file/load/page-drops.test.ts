import assert from 'node:assert/strict';
import {
  closeSync,
  fdatasyncSync,
  openSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { PageDrops } from '../../../src/file/load/page-drops.ts';
import { dropPageCache, readCached } from '../../../src/os/page-cache.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

const FILES = 100;
/** The kernel does not let go of what somebody else is just at. */
const MOST_STRAYS = 2;

function isCached(path: string): boolean {
  const fd = openSync(path, 'r');
  try {
    return readCached(fd, Buffer.alloc(4096), 0) > 0;
  } finally {
    closeSync(fd);
  }
}

function countDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Files of a tmpfs have no other place. */
function refusal(): string | undefined {
  using folder = new Folder();
  const [path = ''] = writeFiles(folder);
  const fd = openSync(path, 'r');
  for (let i = 0; i < 10 && isCached(path); i++) dropPageCache(fd);
  closeSync(fd);
  return isCached(path) ? 'the kernel drops nothing of the files here' : undefined;
}

/** Files that are on the disk, and in the page cache. */
function writeFiles(folder: Folder): string[] {
  return Array.from({ length: FILES }, (_, i) => {
    const path = folder.file(`${i}`);
    writeFileSync(path, Buffer.alloc(4096, 'x'));
    const fd = openSync(path, 'r');
    fdatasyncSync(fd);
    closeSync(fd);
    readFileSync(path);
    return path;
  });
}

const skip = refusal();

test('the kernel drops what it has of files, a moment later; what is gone is nothing', { skip }, async () => {
  using folder = new Folder();
  const paths = writeFiles(folder);
  const descriptors = countDescriptors();
  const drops = new PageDrops();
  for (const path of [...paths, folder.path, folder.file('none'), '']) drops.later(path);
  unlinkSync(paths.pop() as string);
  await watchdog(
    (async () => {
      // What the kernel did not let go of, as somebody was just at it, is to be dropped again.
      for (let left = paths; left.length > MOST_STRAYS; left = left.filter(isCached)) {
        for (const path of left) drops.later(path);
        await setTimeout(50);
      }
    })(),
    'files that are dropped',
  );
  assert.equal(countDescriptors(), descriptors);
  drops.close();
});

test('when it is closed what waits stays where it is', { skip }, async () => {
  using folder = new Folder();
  const paths = writeFiles(folder);
  const [closed, open] = [new PageDrops(), new PageDrops()];
  const [last = '', ...others] = paths;
  for (const path of others) closed.later(path);
  closed.close();
  open.later(last);
  // Later than the others would have been.
  await watchdog(
    (async () => {
      while (isCached(last)) {
        open.later(last);
        await setTimeout(50);
      }
    })(),
    'a file that is dropped',
  );
  assert.ok(others.filter(isCached).length >= others.length - MOST_STRAYS);
});
