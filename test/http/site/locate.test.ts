import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { locate } from '../../../src/http/site/locate.ts';
import { Folder } from '../../support/folder.ts';

type Symlinks = Parameters<typeof locate>[2];

/** What a path comes to by each policy: where it leads, or the code of the error. */
async function byPolicy(root: string, path: string): Promise<(string | undefined)[]> {
  const policies: Symlinks[] = ['inside', 'deny', 'follow'];
  return Promise.all(
    policies.map(policy => locate(root, path, policy).catch((error: NodeJS.ErrnoException) => error.code)),
  );
}

test('links lead as far as the policy has it', async () => {
  using folder = new Folder();
  const file = (name: string): string => folder.file(name);
  for (const name of ['root', 'root/dir', 'rooted']) mkdirSync(file(name));
  for (const name of ['root/dir/file', 'rooted/file', 'outside']) writeFileSync(file(name), '');
  symlinkSync('dir/file', file('root/inward'));
  symlinkSync('dir', file('root/folder'));
  symlinkSync('../outside', file('root/outward'));
  symlinkSync('../rooted', file('root/sibling'));
  symlinkSync('loop', file('root/loop'));
  symlinkSync('root', file('link'));
  const target = file('root/dir/file');
  for (const root of [file('root'), file('link')]) {
    assert.deepEqual(await byPolicy(root, '/dir/file'), [target, target, target]);
    assert.deepEqual(await byPolicy(root, '/'), [file('root'), file('root'), file('root')]);
    assert.deepEqual(await byPolicy(root, '/dir/'), [file('root/dir'), file('root/dir'), file('root/dir')]);
    assert.deepEqual(await byPolicy(root, '/inward'), [target, 'EACCES', target]);
    assert.deepEqual(await byPolicy(root, '/folder/file'), [target, 'EACCES', target]);
    assert.deepEqual(await byPolicy(root, '/outward'), ['EACCES', 'EACCES', file('outside')]);
    // Its name begins with that of the root.
    assert.deepEqual(await byPolicy(root, '/sibling/file'), ['EACCES', 'EACCES', file('rooted/file')]);
    assert.deepEqual(await byPolicy(root, '/none'), ['ENOENT', 'ENOENT', 'ENOENT']);
    assert.deepEqual(await byPolicy(root, '/loop'), ['ELOOP', 'ELOOP', 'ELOOP']);
    assert.deepEqual(await byPolicy(root, '/dir/file/x'), ['ENOTDIR', 'ENOTDIR', 'ENOTDIR']);
  }
});

test('all lies inside of the root of the file system', async () => {
  using folder = new Folder();
  assert.equal(await locate('/', folder.path, 'inside'), folder.path);
});
