import assert from 'node:assert/strict';
import { utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { createPool } from '../../src/aggregate/pool.ts';
import { createFileCache } from '../../src/file/cache/owned-cache.ts';
import { openFile } from '../../src/file/open/open-file.ts';
import { assertMet, attemptAll, type FaultCell } from '../support/faults/attempt.ts';
import { underFaults } from '../support/faults/under-faults.ts';
import { Folder } from '../support/folder.ts';
import { holdingsReturnTo, settledHoldings } from '../support/holdings.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
/** A minute ago: of files that nobody is writing. */
const EARLIER = new Date(Date.now() - 60_000);

function contentOf(name: string, length: number): Buffer {
  return Buffer.alloc(length, `${name}, `);
}

function put(folder: Folder, name: string, length: number): string {
  const path = folder.file(name);
  writeFileSync(path, contentOf(name, length));
  utimesSync(path, EARLIER, EARLIER);
  return path;
}

const DISK_ERRORS = ['EIO', 'EMFILE', 'ENOMEM', 'ESTALE'] as const;
const MEMORY: FaultCell[] = [
  ['memfd_create', { path: 'iolite', error: 'EMFILE' }],
  ['memfd_create', { path: 'iolite', error: 'ENFILE' }],
  ['memfd_create', { path: 'iolite', error: 'ENOMEM' }],
  ['ftruncate', { path: 'memfd:iolite', error: 'ENOSPC' }],
  ['ftruncate', { path: 'memfd:iolite', error: 'EINTR', times: 1 }],
  ['fchmod', { path: 'memfd:iolite', error: 'EIO' }],
  ['mmap', { path: 'memfd:iolite', error: 'ENOMEM' }],
  ['mmap', { path: 'memfd:iolite', error: 'EAGAIN' }],
  ['populate', { error: 'ENOMEM' }],
  ['populate', { error: 'EINTR', times: 1 }],
  ['seal', { path: 'memfd:iolite', error: 'EBUSY' }],
];

/** @param path part of the path of the file that is read */
function diskCells(path: string): FaultCell[] {
  return [
    ...(['open', 'stat', 'read'] as const).flatMap(call =>
      DISK_ERRORS.flatMap((error): FaultCell[] => [
        [call, { path, error }],
        [call, { path, error, skip: 1 }],
      ]),
    ),
    ['open', { path, error: 'EINTR', times: 1 }],
    ['read', { path, error: 'EINTR', times: 2 }],
    ['read', { path, short: 1000 }],
    ['read', { path, slow: 2 }],
    ['read', { path, short: 0, times: 1 }],
  ];
}

underFaults(import.meta.url, faults => {
  for (const [what, length] of [
    ['a small file', 20 * KiB],
    ['a file by extents', 1.25 * MiB],
  ] as const) {
    test(`reading ${what} through a cache`, async () => {
      const held = await settledHoldings();
      using folder = new Folder();
      const outcomes = await attemptAll(faults, [...diskCells('subject'), ...MEMORY], async () => {
        const path = put(folder, 'subject', length);
        const cache = createFileCache({ budget: 4 * MiB, maxStale: 3_600_000 });
        const operation = async (): Promise<void> => {
          using content = await cache.read(path);
          assert.ok(content.toBuffer().equals(contentOf('subject', length)), 'other bytes were read');
        };
        return { operation, end: () => cache.close() };
      });
      await holdingsReturnTo(held);
      assertMet(outcomes);
    });
  }

  test('looking whether a file is what is kept', async () => {
    const held = await settledHoldings();
    using folder = new Folder();
    const outcomes = await attemptAll(faults, diskCells('subject'), async () => {
      const path = put(folder, 'subject', 20 * KiB);
      const cache = createFileCache({ budget: 16 * MiB, maxStale: 0 });
      const operation = async (): Promise<void> => {
        using content = await cache.read(path);
        assert.ok(content.toBuffer().equals(contentOf('subject', 20 * KiB)));
      };
      await operation();
      return { operation, end: () => cache.close() };
    });
    await holdingsReturnTo(held);
    assertMet(outcomes);
  });

  test('reading an opened file', async () => {
    const held = await settledHoldings();
    using folder = new Folder();
    const outcomes = await attemptAll(faults, [...diskCells('subject'), ...MEMORY], async () => {
      const path = put(folder, 'subject', 300 * KiB);
      const pool = createPool();
      const operation = async (): Promise<void> => {
        const file = await openFile(path, 'r', { pool });
        try {
          using content = await file.read(0, 300 * KiB);
          assert.ok(content.toBuffer().equals(contentOf('subject', 300 * KiB)), 'other bytes were read');
        } finally {
          await file.close();
        }
      };
      return { operation, end: () => pool.close() };
    });
    await holdingsReturnTo(held);
    assertMet(outcomes);
  });
});
