import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { test } from 'node:test';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { type ChosenFile, type ChosenFileOptions, chosenFiles } from '../../../src/http/site/chosen-files.ts';
import { Folder } from '../../support/folder.ts';
import { writeFiles } from '../support/site-server.ts';

/** What was found, in a word: its path, its directory, or the status. */
function said(found: ChosenFile): string | number {
  if ('snapshot' in found) {
    found.snapshot.release();
    return found.path;
  }
  return 'directory' in found ? `in ${found.directory}` : found.status;
}

test('what a program names is below the root, and is looked for as it says', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: 1 << 24 });
  writeFiles(folder, { 'root/a.txt': 'a', 'root/sub/index.html': 's', 'root/.env': 'e', 'b.txt': 'b' });
  mkdirSync(folder.file('root/bare'));
  symlinkSync('../b.txt', folder.file('root/out.txt'));
  const root = folder.file('root');
  const ask = async (path: string, options: ChosenFileOptions = {}): Promise<string | number> =>
    said(await chosenFiles({ root, cache, ...options }).find(path, AbortSignal.timeout(10_000)));
  for (const [path, options, found] of [
    ['a.txt', {}, '/a.txt'],
    ['//sub/../a.txt', {}, '/a.txt'],
    ['a', { extensions: ['txt'] }, '/a.txt'],
    ['../b.txt', {}, 403],
    ['sub/../../b.txt', {}, 403],
    ['a\0.txt', {}, 400],
    ['out.txt', {}, 403],
    ['out.txt', { symlinks: 'follow' }, '/out.txt'],
    ['sub/', {}, '/sub/index.html'],
    ['sub', {}, `in ${root}/sub`],
    ['bare/', {}, 404],
    ['sub/', { index: false }, `in ${root}/sub/`],
    ['none/', { index: false }, 404],
    ['a.txt/', { index: false }, 404],
    ['.env', {}, 404],
    ['.env', { dotfiles: 'deny' }, 403],
    ['.env', { dotfiles: 'allow' }, '/.env'],
    [folder.file('b.txt'), { root: undefined }, folder.file('b.txt')],
  ] as [string, ChosenFileOptions, string | number][]) {
    assert.equal(await ask(path, options), found, `${path} with ${JSON.stringify(options)}`);
  }
});

test('the same options mean the same files, whoever says them', () => {
  using cache = createFileCache({ budget: 1 << 20 });
  const files = chosenFiles({ root: '/x', cache, maxAge: 5 });
  assert.equal(chosenFiles({ maxAge: 5, cache, root: '/x' }), files);
  assert.notEqual(chosenFiles({ root: '/x', cache, maxAge: 6 }), files);
  assert.notEqual(chosenFiles({ root: '/x', cache, maxAge: 5, index: false }), files);
});
