import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { readConfig } from '../../../src/cli/serve/serve-config.ts';
import { Folder } from '../../support/folder.ts';

test('readConfig() makes paths absolute, relative to the file', async () => {
  using folder = new Folder();
  const path = folder.file('config.json');
  const tls = { cert: 'cert.pem', key: '/keys/key.pem' };
  writeFileSync(
    path,
    JSON.stringify({ root: 'public', app: { module: './app.js', workers: 2 }, tls, port: 0 }),
  );
  assert.deepEqual(await readConfig(path), {
    root: folder.file('public'),
    app: { module: folder.file('app.js'), workers: 2 },
    tls: { cert: folder.file('cert.pem'), key: '/keys/key.pem' },
    port: 0,
  });
});

test('readConfig() names the place of what it cannot use', async () => {
  using folder = new Folder();
  const path = folder.file('config.json');
  const cases: [content: unknown, message: RegExp][] = [
    ['{ "root": ', /it is not JSON: /],
    [7, /config\.json: /],
    [{ port: 65_536 }, /port: an integer, 0 to 65535, is wanted, 65536 was given/],
    [{ workers: 1.5 }, /workers: an integer, 1 to 256, is wanted, 1\.5 was given/],
    [{ prot: 1 }, /prot: there is no such setting/],
    [{ app: {} }, /app\.module: /],
    [{ app: { module: 'x', timeout: 0 } }, /app\.timeout: an integer/],
    [{ site: { maxAge: true } }, /site\.maxAge: expected/],
    [{ site: { errorPages: { 200: 'x' } } }, /site\.errorPages\.200: an error status is wanted/],
    [{ limits: { headersTimeout: '1 s' } }, /limits\.headersTimeout: an integer/],
    [{ tls: { cert: 'x' } }, /tls\.key: /],
    [{ origin: 'x' }, /origin: a URL is wanted/],
  ];
  for (const [content, message] of cases) {
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    await assert.rejects(readConfig(path), message, JSON.stringify(content));
  }
  await assert.rejects(readConfig(folder.file('none.json')), /none\.json: there is no such file/);
});
