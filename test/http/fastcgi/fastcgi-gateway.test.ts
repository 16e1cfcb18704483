import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { FastCgiGateway } from '../../../src/http/fastcgi/fastcgi-gateway.ts';
import { type CreateServerOptions, createServer, type Server } from '../../../src/http/server/server.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import { PhpFpm, withoutPhp } from './support/php-fpm.ts';

const options = { skip: withoutPhp };
const folder = new Folder();
let php: PhpFpm;
let server: Server;

const SCRIPTS: Record<string, string> = {
  'index.php': 'index <?= $_SERVER["SCRIPT_NAME"] ?>',
  'env.php': '<?php header("Content-Type: application/json"); echo json_encode($_SERVER);',
  'echo.php':
    '<?php header("X-Type: " . ($_SERVER["CONTENT_TYPE"] ?? "none")); echo file_get_contents("php://input");',
  'status.php': '<?php http_response_code(404); header("X-One: 1"); echo "not here";',
  'redirect.php': '<?php header("Location: /elsewhere?a=b");',
  'accel.php':
    '<?php header("X-Accel-Redirect: " . $_GET["path"]); header("Content-Disposition: attachment"); echo 1;',
  'sendfile.php': '<?php header("X-Sendfile: " . $_GET["path"]); header("Content-Type: text/x-own");',
  'stream.php': '<?php for ($i = 0; $i < 5; $i++) { echo "part $i\\n"; flush(); }',
  'large.php': '<?php for ($i = 0; $i < 400; $i++) echo str_repeat(chr(97 + $i % 26), 10000);',
  'sized.php': '<?php header("Content-Length: 3"); echo "abc";',
  'fails.php': '<?php error_log("as asked"); echo "done";',
  'sub/page.php': 'page <?= $_SERVER["PATH_INFO"] ?? "none" ?>',
  'sub/index.php': 'sub <?= $_SERVER["SCRIPT_NAME"] ?>',
};

before(async () => {
  if (withoutPhp !== false) return;
  mkdirSync(folder.file('site/sub'), { recursive: true });
  mkdirSync(folder.file('site/upload'));
  for (const [name, text] of Object.entries(SCRIPTS)) writeFileSync(folder.file(`site/${name}`), text);
  writeFileSync(folder.file('site/page.html'), 'a page');
  writeFileSync(folder.file('site/.env'), 'secret');
  writeFileSync(folder.file('site/upload/evil.jpg'), '<?php echo "evil";');
  writeFileSync(folder.file('outside.php'), '<?php echo "outside";');
  symlinkSync('../outside.php', folder.file('site/link.php'));
  symlinkSync('index.php', folder.file('site/source.txt'));
  php = await PhpFpm.start(folder);
  server = await serving({});
});
after(async () => {
  await server?.close();
  await php?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

async function serving(more: Partial<CreateServerOptions>, app = {}): Promise<Server> {
  const made = createServer({ root: folder.file('site'), app: { fastcgi: php.address, ...app }, ...more });
  await watchdog(made.listen(0, '127.0.0.1'), 'the server to listen');
  return made;
}

function ask(path: string, init: RequestInit = {}, at = server): Promise<Response> {
  const url = `http://127.0.0.1:${at.address()?.port}${path}`;
  return watchdog(fetch(url, { redirect: 'manual', ...init }), path);
}

async function answer(path: string, init: RequestInit = {}, at = server): Promise<[number, string]> {
  const response = await ask(path, init, at);
  return [response.status, await response.text()];
}

/** A request whose path and fields are sent as they are. */
function raw(path: string, headers: Record<string, string> = {}): Promise<[number, string]> {
  const port = server.address()?.port;
  const answered = new Promise<[number, string]>((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers, agent: false }, async response => {
      const pieces: Buffer[] = [];
      for await (const piece of response) pieces.push(piece as Buffer);
      resolve([response.statusCode as number, Buffer.concat(pieces).toString()]);
    })
      .on('error', reject)
      .end();
  });
  return watchdog(answered, path);
}

test('scripts answer, files that are none are files, and what is neither is not there', options, async () => {
  assert.deepEqual(await answer('/'), [200, 'index /index.php']);
  assert.deepEqual(await answer('/sub/'), [200, 'sub /sub/index.php']);
  assert.deepEqual(await answer('/sub/page.php'), [200, 'page none']);
  assert.deepEqual(await answer('/sub/page.php/more/path'), [200, 'page /more/path']);
  assert.deepEqual(await answer('/page.html'), [200, 'a page']);
  const [status, text] = await answer('/status.php');
  assert.deepEqual([status, text], [404, 'not here']);
  assert.equal((await answer('/none.php'))[0], 404);
  assert.equal((await answer('/none'))[0], 404);
});

test('the text of a script is never sent', options, async () => {
  for (const path of [
    '/index.php',
    '/index%2ephp',
    '//index.php',
    '/index.php?x',
    '/source.txt',
    '/index.php/',
  ])
    assert.ok(!(await raw(path))[1].includes('<?'), path);
  const site = { index: ['index.php'], extensions: ['php'], listing: true };
  await using other = await serving({ site });
  for (const path of ['/', '/index', '/env', '/index.php'])
    assert.ok(!(await answer(path, {}, other))[1].includes('<?'), path);
});

test('nothing runs that is no script in the root', options, async () => {
  for (const path of [
    '/upload/evil.jpg/x.php',
    '/upload/evil.jpg/.php',
    '/upload/evil.jpg%00.php',
    '/upload/evil.jpg%00/x.php',
    '/upload/evil.jpg',
    '/link.php',
    '/../outside.php',
    '/%2e%2e/outside.php',
    '/sub/..%2f..%2foutside.php',
    '/x/../../outside.php',
  ]) {
    const [, text] = await raw(path);
    assert.ok(text !== 'evil' && text !== 'outside', `${path}: ${text}`);
  }
});

test('scripts are told of the request, and of no field under the name of another', options, async () => {
  const [, text] = await raw('/env.php/in%20fo/x?a=b%20c&d', {
    host: 'example.com:8080',
    proxy: 'http://evil',
    'x-some': 'one',
    x_some: 'two',
    cookie: 'a=b',
    authorization: 'Basic eDp5',
    'x-utf': 'Ã¼',
  });
  const env = JSON.parse(text) as Record<string, string>;
  const root = folder.file('site');
  const wanted: Record<string, string> = {
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_NAME: 'example.com',
    SERVER_PORT: '8080',
    REQUEST_METHOD: 'GET',
    REQUEST_URI: '/env.php/in%20fo/x?a=b%20c&d',
    QUERY_STRING: 'a=b%20c&d',
    SCRIPT_NAME: '/env.php',
    SCRIPT_FILENAME: `${root}/env.php`,
    PATH_INFO: '/in fo/x',
    DOCUMENT_ROOT: root,
    REMOTE_ADDR: '127.0.0.1',
    HTTP_HOST: 'example.com:8080',
    HTTP_X_SOME: 'one',
    HTTP_COOKIE: 'a=b',
    HTTP_AUTHORIZATION: 'Basic eDp5',
    HTTP_X_UTF: 'ü',
  };
  for (const [name, value] of Object.entries(wanted)) assert.equal(env[name], value, name);
  assert.equal(env.HTTP_PROXY, undefined);
  assert.equal(env.HTTPS, undefined);
});

test('bodies go both ways, of whatever size and length', options, async () => {
  for (const size of [0, 1, 70_000, 3_000_000]) {
    const body = Buffer.alloc(size, 'body ').toString();
    assert.deepEqual(await answer('/echo.php', { method: 'POST', body }), [200, body]);
  }
  const stream = new ReadableStream({
    start: controller => {
      for (const part of ['one ', 'two ', 'three']) controller.enqueue(Buffer.from(part));
      controller.close();
    },
  });
  const init = { method: 'PUT', body: stream, duplex: 'half', headers: { 'Content-Type': 'text/x-own' } };
  const response = await ask('/echo.php', init as RequestInit);
  assert.equal(await response.text(), 'one two three');
  assert.equal(response.headers.get('x-type'), 'text/x-own');
  const [, large] = await answer('/large.php');
  assert.equal(large.length, 4_000_000);
  assert.equal((await answer('/stream.php'))[1], [0, 1, 2, 3, 4].map(i => `part ${i}\n`).join(''));
  const sized = await ask('/sized.php');
  assert.deepEqual([sized.headers.get('content-length'), await sized.text()], ['3', 'abc']);
  const head = await ask('/sized.php', { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, '3']);
});

test('a body that is too long is 413', options, async () => {
  await using small = await serving({}, { maxBodyBytes: 10 });
  assert.equal((await answer('/echo.php', { method: 'POST', body: 'x'.repeat(11) }, small))[0], 413);
  assert.deepEqual(await answer('/echo.php', { method: 'POST', body: 'x'.repeat(10) }, small), [
    200,
    'x'.repeat(10),
  ]);
});

test('redirects of the client go to it', options, async () => {
  const response = await ask('/redirect.php');
  assert.deepEqual([response.status, response.headers.get('location')], [302, '/elsewhere?a=b']);
});

test('a script may have files of the site sent, and no others', options, async () => {
  const root = folder.file('site');
  const sent = await ask('/accel.php?path=/page.html');
  assert.equal(await sent.text(), 'a page');
  assert.equal(sent.headers.get('content-disposition'), 'attachment');
  assert.equal(sent.headers.get('content-length'), '6');
  assert.equal(sent.headers.get('x-accel-redirect'), null);
  const own = await ask(`/sendfile.php?path=${root}/page.html`);
  assert.equal(await own.text(), 'a page');
  assert.ok(own.headers.get('content-type')?.startsWith('text/x-own'));
  const part = await ask('/accel.php?path=/page.html', { headers: { Range: 'bytes=0-0' } });
  assert.deepEqual([part.status, await part.text()], [206, 'a']);
  for (const [script, path, status] of [
    ['accel', '/.env', 403],
    ['accel', '/../outside.php', 403],
    ['accel', '/%252e%252e/outside.php', 403],
    ['accel', '/none', 404],
    ['accel', '/index.php', 404],
    ['accel', '/source.txt', 404],
    ['sendfile', '/etc/passwd', 403],
    ['sendfile', `${root}/.env`, 403],
    ['sendfile', `${root}/../outside.php`, 403],
    ['sendfile', `${root}/index.php`, 404],
    ['sendfile', 'page.html', 403],
  ] as const)
    assert.equal((await answer(`/${script}.php?path=${path}`))[0], status, `${script} ${path}`);
});

test('a front controller answers where a path names nothing else', options, async () => {
  await using fronted = await serving({}, { script: 'index.php', params: { APP_ENV: 'test' } });
  assert.deepEqual(await answer('/some/where', {}, fronted), [200, 'index /index.php']);
  assert.deepEqual(await answer('/page.html', {}, fronted), [200, 'a page']);
  const env = JSON.parse((await answer('/env.php', {}, fronted))[1]) as Record<string, string>;
  assert.equal(env.APP_ENV, 'test');
});

test('more requests than connections wait their turn; what is said besides is told', options, async () => {
  const lines: string[] = [];
  const gateway = new FastCgiGateway(
    { fastcgi: php.address, root: folder.file('site'), connections: 1 },
    line => void lines.push(line),
  );
  await using other = createServer({ handler: gateway });
  await other.listen(0, '127.0.0.1');
  const all = await Promise.all(Array.from({ length: 8 }, () => answer('/fails.php', {}, other)));
  for (const each of all) assert.deepEqual(each, [200, 'done']);
  assert.ok(lines.some(line => line.includes('as asked')));
  gateway.close();
});
