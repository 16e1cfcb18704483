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
    [{ prot: 1 }, /prot: there is no such setting; did you mean port\?/],
    [{ app: {} }, /app: module or fastcgi is wanted, none was given/],
    [{ app: { module: 'x', timeout: 0 } }, /app\.timeout: 1 milliseconds or more/],
    [{ site: { maxAge: true } }, /site\.maxAge: milliseconds or a text/],
    [
      { site: { maxAge: '1 dya' } },
      /site\.maxAge: milliseconds or a text as '30 seconds' are wanted, "1 dya" was/,
    ],
    [[], /config\.json: an object is wanted, a list was given/],
    [{ site: [] }, /site: an object is wanted, a list was given/],
    [{ headers: { 'Referrer Policy': 'x' } }, /headers: "Referrer Policy" is no name of a field/],
    [{ site: { headers: { 'X-A': 'a\nb' } } }, /site\.headers: "a\\nb" is no value of a field/],
    [
      { rules: [{ match: '/a', headers: { 'content-encoding': 'br' } }] },
      /rules\[0\]\.headers: content-encoding is said by/,
    ],
    [{ rules: [{ match: '/a' }, { match: 'b', maxAge: 1 }] }, /rules\[0\]: it says nothing/],
    [{ rules: [{ match: ['b'], maxAge: 1 }] }, /rules\[0\]\.match\[0\]: a path or glob/],
    [{ rules: [{ match: '/a', redirect: { too: '/b' } }] }, /rules\[0\]\.redirect\.(to|too): /],
    [{ rules: [{ match: '/a', cors: { credentials: true } }] }, /rules\[0\]\.cors: credentials are for/],
    [{ hosts: { 'a b': {} } }, /hosts\.a b: a name, or a name behind/],
    [{ proxy: { conections: 1 } }, /proxy\.conections: there is no such setting; did you mean connections\?/],
    [{ site: { errorPages: { 200: 'x' } } }, /site\.errorPages\.200: an error status is wanted/],
    [{ limits: { headersTimeout: '1 sceond' } }, /limits\.headersTimeout: milliseconds or/],
    [{ tls: { cert: 'x' } }, /tls\.key: /],
    [{ origin: 'x' }, /origin: a URL as http/],
  ];
  for (const [content, message] of cases) {
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    await assert.rejects(readConfig(path), message, JSON.stringify(content));
  }
  await assert.rejects(readConfig(folder.file('none.json')), /none\.json: there is no such file/);
});
