import assert from 'node:assert/strict';
import { mkdirSync, promises, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { test } from 'node:test';
import { ScriptFinder } from '../../../src/http/fastcgi/script-finder.ts';
import { Folder } from '../../support/folder.ts';

test('a script below a directory that has a name as scripts do is found', async () => {
  using folder = new Folder();
  mkdirSync(folder.file('a.php'));
  writeFileSync(folder.file('a.php/b.php'), '');
  const finder = new ScriptFinder({ root: folder.path });
  const found = await finder.find('/a.php/b.php/c.php');
  assert.deepEqual([found?.name, found?.pathInfo], ['/a.php/b.php', '/c.php']);
});

test('of a path of many names no more is looked up than there may be', async context => {
  using folder = new Folder();
  const finder = new ScriptFinder({ root: folder.path });
  const looks = context.mock.method(promises, 'realpath');
  syncBuiltinESMExports();
  context.after(() => {
    looks.mock.restore();
    syncBuiltinESMExports();
  });
  assert.equal(await finder.find('/x.php'.repeat(500)), undefined);
  assert.equal(looks.mock.callCount(), 2);
});
