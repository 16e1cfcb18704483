import assert from 'node:assert/strict';
import fs, { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { test } from 'node:test';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { DirectorySource } from '../../../src/http/site/directory-source.ts';
import { Folder } from '../../support/folder.ts';

const real = fs.promises.realpath;

/** Has something happen as soon as a path was found to be real. */
function afterLookingFor(path: string, happen: () => void): Disposable {
  const looking = async (of: string): Promise<string> => {
    const found = await real(of);
    if (found === path) happen();
    return found;
  };
  const exchange = (by: unknown): void => {
    Object.assign(fs.promises, { realpath: by });
    syncBuiltinESMExports();
  };
  exchange(looking);
  return { [Symbol.dispose]: () => exchange(real) };
}

test('a directory that is exchanged for a link while it is listed tells no names of another', async () => {
  using folder = new Folder();
  for (const name of ['site/d', 'secret']) mkdirSync(folder.file(name), { recursive: true });
  writeFileSync(folder.file('site/d/shown'), '');
  writeFileSync(folder.file('secret/hidden'), '');
  const cache = createFileCache({ budget: 1024 ** 2 });
  try {
    const source = new DirectorySource(folder.file('site'), cache, 'inside');
    const list = (): Promise<unknown> => source.list('/d/', { hidden: false, limit: 10 });
    assert.deepEqual(await list(), [{ name: 'shown', type: 'file' }]);
    using _ = afterLookingFor(folder.file('site/d'), () => {
      renameSync(folder.file('site/d'), folder.file('site/moved'));
      symlinkSync(folder.file('secret'), folder.file('site/d'));
    });
    await assert.rejects(list(), { code: 'EACCES' });
  } finally {
    cache.close();
  }
});
