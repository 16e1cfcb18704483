import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Folder } from '../../support/folder.ts';
import { Iolite } from '../support/server.ts';

/** What `iolite serve --check` says of settings. */
async function check(
  folder: Folder,
  config: unknown,
): Promise<{ code: number | null; out: string; err: string[] }> {
  writeFileSync(folder.file('site.json'), JSON.stringify(config));
  await using iolite = new Iolite(['serve', '--check', '--config', folder.file('site.json')]);
  const { code } = await iolite.ended();
  return { code, out: iolite.stdout, err: iolite.stderr.split('\n').slice(0, -1) };
}

test('--check serves nothing, and says that settings can be used', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('app.mjs'), 'export default () => undefined;\n');
  const { code, out, err } = await check(folder, { root: '.', app: { module: 'app.mjs' } });
  assert.deepEqual([code, out, err], [0, 'The settings can be used\n', []]);
});

test('--check says what is wrong with them, one line each', async () => {
  using folder = new Folder();
  const wrong = await check(folder, { root: '.', prot: 1, headers: { 'A B': 'x' } });
  assert.equal(wrong.code, 1);
  assert.equal(wrong.err.length, 2);
  assert.match(wrong.err[0] ?? '', /^iolite: Cannot use .*site\.json: headers: "A B" is no name of a field$/);
  const missing = await check(folder, {
    root: '.',
    site: { errorPages: { 404: '404.html' } },
    rules: [{ match: '/a/', root: 'none' }],
  });
  assert.equal(missing.code, 1);
  assert.match(missing.err[0] ?? '', /^iolite: site\.errorPages\.404: there is no file 404\.html in /);
  assert.match(missing.err[1] ?? '', /^iolite: rules\[0\]: Cannot serve .*none: there is no such directory$/);
  assert.equal(missing.err.length, 2);
});

test('--check starts applications, and says in one line why one does not start', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('app.mjs'), "throw new Error('no database');\n");
  const { code, err } = await check(folder, { app: { module: 'app.mjs' } });
  assert.equal(code, 1);
  assert.equal(err.length, 1);
  assert.match(err[0] ?? '', /^iolite: the application does not start\. .*: no database \(app\.mjs:1:7\)$/);
});

test('--check says what is wrong with a FastCGI responder, in one line', async () => {
  using folder = new Folder();
  const fastcgi = `unix:${folder.file('none.sock')}`;
  for (const [app, message] of [
    [{ fastcgi }, /the FastCGI responder unix:\S*none\.sock cannot be reached: there is no such socket$/],
    [{ fastcgi: 'php' }, /app\.fastcgi: unix:\/path or host:port is wanted, "php" was given$/],
    [{ fastcgi, split: '(' }, /app\.split: Invalid regular expression/],
    [{ fastcgi, split: '^(.+)$' }, /app\.split: two groups are wanted, .*; 1 were given$/],
    [{ fastcgi, workers: 2 }, /app: workers says nothing of a FastCGI responder$/],
    [{ module: 'a.js', params: {} }, /app: params says nothing of a module$/],
    [{ module: 'a.js', fastcgi }, /app: module or fastcgi is wanted, both were given$/],
    [{ timeout: 1 }, /app: module or fastcgi is wanted, none was given$/],
    [{ fastcgi, root: 'none' }, /: ENOENT/],
  ] as const) {
    const { code, err } = await check(folder, { root: '.', app });
    assert.equal(code, 1);
    assert.match(err[0] ?? '', message);
    assert.equal(err.length, 1, err.join());
  }
  const { err } = await check(folder, { app: { fastcgi } });
  assert.match(err[0] ?? '', /^iolite: app\.root: there is no root that the scripts lie in$/);
});
