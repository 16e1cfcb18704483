import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Folder } from '../../support/folder.ts';
import { get, Served } from '../support/server.ts';

const SECRET = 'not for you';

const HOSTILE = [
  '/%00',
  '/index.html%00.png',
  '/..%2foutside/secret',
  '/..%2Foutside%2Fsecret',
  '/..%5coutside/secret',
  '/../outside/secret',
  '/a/../../outside/secret',
  '/%2e%2e/outside/secret',
  '/.%2e/outside/secret',
  '/%252e%252e/outside/secret',
  '/%c0%ae%c0%ae/outside/secret',
  '/..\\outside\\secret',
  '//outside/secret',
  '/./../outside/secret',
  '/a/..;/..;/outside/secret',
  '/.hidden',
  '/%2ehidden',
  '/.git/config',
  '/a/.hidden',
  '/link',
  '/links/secret',
  '/links/',
  '/chain',
  '/absolute',
  '/loop',
  '/%',
  '/%zz',
  `/${'a'.repeat(300)}`,
  `/${'a/'.repeat(3000)}`,
];

test('paths that lead out of the directory, or to hidden files, are refused and leak nothing', async () => {
  using folder = new Folder();
  const root = folder.file('site');
  for (const name of ['site', 'site/a', 'site/.git', 'outside']) mkdirSync(folder.file(name));
  for (const name of ['outside/secret', 'site/.hidden', 'site/.git/config', 'site/a/.hidden']) {
    writeFileSync(folder.file(name), SECRET);
  }
  writeFileSync(join(root, 'index.html'), 'home');
  symlinkSync('../outside/secret', join(root, 'link'));
  symlinkSync('../outside', join(root, 'links'));
  symlinkSync('link', join(root, 'chain'));
  symlinkSync(folder.file('outside/secret'), join(root, 'absolute'));
  symlinkSync('loop', join(root, 'loop'));
  symlinkSync('index.html', join(root, 'inside'));
  await using served = await Served.start(root, ['-w', '1']);
  const workers = await served.workers();
  for (const path of HOSTILE) {
    const { status, body, headers } = await get(served.port, path);
    assert.ok(status >= 400 && status < 500, `${path}: ${status}`);
    const all = `${JSON.stringify(headers)} ${body}`;
    assert.ok(!all.includes(SECRET), path);
    assert.ok(!all.includes(folder.path), `${path} does not tell where files are`);
  }
  const inside = await get(served.port, '/inside');
  assert.deepEqual(
    [inside.status, inside.body.toString()],
    [200, 'home'],
    'a link to a file inside is followed',
  );
  assert.deepEqual(await served.workers(), workers, 'no worker died');
  assert.equal(served.stderr, '');
});
