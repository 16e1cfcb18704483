import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { createPool } from '../../../src/aggregate/pool.ts';
import { openFile } from '../../../src/file/open/open-file.ts';
import { assertMet, attemptAll, type FaultCell, type Outcome } from '../../support/faults/attempt.ts';
import { underFaults } from '../../support/faults/under-faults.ts';
import { Folder } from '../../support/folder.ts';
import { holdingsReturnTo, settledHoldings } from '../../support/holdings.ts';

const KiB = 1024;
const OLD = Buffer.alloc(300 * KiB, 'old, ');

const CELLS: FaultCell[] = [
  ...(['EIO', 'ENOSPC', 'EDQUOT'] as const).flatMap((error): FaultCell[] => [
    ['write', { path: 'iolite-test', error }],
    ['write', { path: 'iolite-test', error, skip: 1 }],
    ['copy_file_range', { path: 'iolite-test', error }],
  ]),
  ...(['EIO'] as const).flatMap(error =>
    [0, 1, 2].flatMap((skip): FaultCell[] => [
      ['fsync', { error, skip }],
      ['fsync', { error, skip, times: 1 }],
      ['rename', { error, skip }],
      ['link', { error, skip }],
      ['ftruncate', { path: 'iolite-test', error, skip }],
      ['fchmod', { path: 'iolite-test', error, skip }],
    ]),
  ),
  ...[0, 1, 2, 3, 4, 5, 6].flatMap((skip): FaultCell[] => [
    ['open', { path: 'iolite-test', error: 'EMFILE', skip }],
    ['open', { path: '/proc/self/fd', error: 'EMFILE', skip }],
    ['stat', { path: 'iolite-test', error: 'ESTALE', skip }],
    ['stat', { path: 'iolite-test', error: 'ESTALE', skip, times: 1 }],
  ]),
  ['write', { path: 'iolite-test', short: 1000 }],
  ['copy_file_range', { short: 1000 }],
  ['copy_file_range', { error: 'EXDEV' }],
  ['copy_file_range', { error: 'EINTR', times: 1 }],
  ['memfd_create', { path: 'iolite', error: 'EMFILE' }],
  ['mmap', { path: 'memfd:iolite', error: 'ENOMEM' }],
];

/** Each way to write, on a file that has `OLD`, or is not there yet; and what it is to be then. */
const WAYS = {
  'writing a part': { flags: 'r+', wanted: Buffer.concat([Buffer.from('new'), OLD.subarray(3)]) },
  'replacing the whole': { flags: 'r+', wanted: Buffer.alloc(70 * KiB, 'new, ') },
  'making a new file': { flags: 'w', wanted: Buffer.alloc(20 * KiB, 'new, ') },
} as const;

underFaults(import.meta.url, faults => {
  const outcomes: Outcome[] = [];
  for (const [what, { flags, wanted }] of Object.entries(WAYS)) {
    test(`${what}: on disk is the one version or the other, and it can be tried again`, async () => {
      const held = await settledHoldings();
      const found = await attemptAll(faults, CELLS, async () => {
        const folder = new Folder();
        const path = folder.file('subject');
        if (flags === 'r+') writeFileSync(path, OLD);
        const before = flags === 'r+' ? OLD : undefined;
        const pool = createPool();
        let file: Awaited<ReturnType<typeof openFile>> | undefined;
        const operation = async (): Promise<void> => {
          file ??= await openFile(path, flags, { pool });
          if (what === 'writing a part') await file.write(0, 'new');
          else await file.replace(wanted);
          await file.sync();
        };
        const check = async (isDone: boolean): Promise<void> => {
          const found = existsSync(path) ? readFileSync(path) : undefined;
          const isNew = found?.equals(wanted) === true;
          const isOld = before === undefined ? found === undefined : found?.equals(before) === true;
          assert.ok(isNew || (isOld && !isDone), `it has ${found?.length} bytes`);
          using content = await file?.read(0, wanted.length);
          if (isDone) assert.ok(content?.toBuffer().equals(wanted));
        };
        const end = async (): Promise<void> => {
          await file?.close();
          pool.close();
          assert.deepEqual(readdirSync(folder.path), ['subject']);
          folder[Symbol.dispose]();
        };
        return { operation, check, end };
      });
      await holdingsReturnTo(held);
      outcomes.push(...found);
    });
  }

  test('each of these calls has failed', () => assertMet(outcomes));
});
