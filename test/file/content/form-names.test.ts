import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { FormNames } from '../../../src/file/content/form-names.ts';
import { Folder as WatchedFolder } from '../../../src/file/watch/folder.ts';
import { Folder } from '../../support/folder.ts';

const HOUR_MS = 3_600_000;
const LIVES = { watched: HOUR_MS, unwatched: HOUR_MS };

test('one look at the names of a folder tells which files may have forms', async () => {
  using folder = new Folder();
  for (const name of ['a.html', 'a.html.br', 'b.html', 'c.js', 'c.js.gz'])
    writeFileSync(folder.file(name), '');
  const watched = new WatchedFolder(`${folder.path}/`, undefined, LIVES);
  const names = new FormNames(HOUR_MS);
  const known = (): boolean[] =>
    ['a.html', 'b.html', 'c.js', 'none'].map(name => names.mayHaveForms(watched, name));
  assert.deepEqual(known(), [true, true, true, true], 'nothing is known');
  await Promise.all([names.list(watched), names.list(watched)]);
  assert.deepEqual(known(), [true, false, true, false]);
  writeFileSync(folder.file('b.html.zst'), '');
  names.changed(watched);
  assert.deepEqual(known(), [true, true, true, true], 'nothing is known any more');
  await names.list(watched);
  assert.deepEqual(known(), [true, true, true, false]);
});

test('a change while a folder is listed, and one that is gone, leave nothing known', async () => {
  using folder = new Folder();
  const watched = new WatchedFolder(`${folder.path}/`, undefined, LIVES);
  const names = new FormNames(HOUR_MS);
  const listing = names.list(watched);
  names.changed(watched);
  await listing;
  assert.equal(names.mayHaveForms(watched, 'a.html'), true);
  rmSync(folder.path, { recursive: true });
  await names.list(watched);
  assert.equal(names.mayHaveForms(watched, 'a.html'), true);
});
