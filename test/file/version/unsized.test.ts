import assert from 'node:assert/strict';
import { truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { test } from 'node:test';
import { isUnsized, readUnsized } from '../../../src/file/version/unsized.ts';
import { Folder } from '../../support/folder.ts';

async function sized(path: string): Promise<boolean> {
  await using handle = await open(path);
  return !(await isUnsized(handle, await handle.stat({ bigint: true })));
}

test('the size of files of /proc and /sys says nothing, that of others is right', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('empty'), '');
  writeFileSync(folder.file('full'), 'content');
  writeFileSync(folder.file('hole'), '');
  truncateSync(folder.file('hole'), 10_000_000_000);
  for (const name of ['empty', 'full', 'hole']) assert.equal(await sized(folder.file(name)), true, name);
  for (const path of ['/proc/self/status', '/sys/kernel/mm/transparent_hugepage/enabled'])
    assert.equal(await sized(path).catch(() => false), false, path);
});

test('what is made when it is read is read to its end, unless it has none', async () => {
  await using status = await open('/proc/self/status');
  assert.match((await readUnsized(status, '/proc/self/status')).toString(), /^Name:.*\n$/s);
  await using zeros = await open('/dev/zero');
  await assert.rejects(readUnsized(zeros, '/dev/zero'), { code: 'ERR_IOLITE_FILE' });
});
