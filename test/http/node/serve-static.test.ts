import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { symlinkSync, utimesSync } from 'node:fs';
import type { RequestListener, ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import express from 'express';
import original from 'serve-static';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import type { StatusError } from '../../../src/http/message/status-error.ts';
import { type ServeStaticOptions, serveStatic } from '../../../src/http/node/serve-static.ts';
import { Folder } from '../../support/folder.ts';
import { get, listening, type Reply, writeFiles } from '../support/site-server.ts';

const FILES = {
  'index.html': '<h1>home</h1>',
  'a.txt': 'text of a',
  'a.html': '<p>a</p>',
  'about.html': '<p>about</p>',
  'data.json': '{"a":1}',
  'script.js': 'let a;',
  'style.css': 'a {}',
  'picture.svg': '<svg/>',
  'unknown.xyz123': '?',
  'no-extension': 'plain',
  empty: '',
  'é ü.txt': 'name',
  'per%cent.txt': 'percent',
  'large.bin': Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251)),
  'sub/index.html': 'sub',
  'sub/other.htm': 'other',
  'sub.html': 'not the folder',
  'bare/file.txt': 'bare',
  '.hidden': 'secret',
  '.well-known/security.txt': 'contact',
  'sub/.env': 'secret',
};

/** Fields that have to be the same. */
const ESSENTIAL = [
  'content-type',
  'content-length',
  'content-range',
  'content-encoding',
  'cache-control',
  'accept-ranges',
  'last-modified',
  'location',
  'allow',
  'x-custom',
  'x-powered-by',
] as const;

const PATHS = [
  ...Object.keys(FILES).map(name => `/${encodeURI(name)}`),
  '/',
  '/?q=1',
  '/a.txt?q=/../x',
  '/about',
  '/a',
  '/sub',
  '/sub?q=1',
  '/sub?q="<{',
  '/a.txt?q=\\',
  '/sub/',
  '/sub/other',
  '/bare',
  '/bare/',
  '/none',
  '/none.html',
  '/none/',
  '/a.txt/',
  '/a.txt/more',
  '//a.txt',
  '//sub',
  '/sub//index.html',
  '///',
  '/%61.txt',
  '/%',
  '/%zz',
  '/a.txt%00',
  '/%00',
  '/%2ehidden',
  `/${'x'.repeat(300)}`,
];

/** Both refuse these; which status they say differs. */
const OUTSIDE = ['/..', '/../a.txt', '/%2e%2e/a.txt', '/..%2fa.txt', '/sub/%2e%2e/%2e%2e/etc/passwd'];

const CONDITIONS: Readonly<Record<string, string>>[] = [
  { 'If-None-Match': '*' },
  { 'If-None-Match': '"other"' },
  { 'If-Modified-Since': 'Sun, 06 Nov 2094 08:49:37 GMT' },
  { 'If-Modified-Since': 'Sun, 06 Nov 1994 08:49:37 GMT' },
  { 'If-Modified-Since': 'garbage' },
  { 'If-Match': '*' },
  { 'If-Match': '"other"' },
  { 'If-Unmodified-Since': 'Sun, 06 Nov 1994 08:49:37 GMT' },
  { 'If-Unmodified-Since': 'Sun, 06 Nov 2094 08:49:37 GMT' },
  { Range: 'bytes=0-9' },
  { Range: 'bytes=100000-' },
  { Range: 'bytes=-10' },
  { Range: 'bytes=0-5,3-10' },
  { Range: 'bytes=999999-' },
  { Range: 'bytes=nonsense' },
  { Range: 'lines=0-9' },
  { Range: 'bytes=0-9', 'If-Range': '"other"' },
  { Range: 'bytes=0-9', 'If-Range': 'Sun, 06 Nov 1994 08:49:37 GMT' },
];

type Middleware = (request: never, response: never, next: (error?: unknown) => void) => void;

/** How a middleware is mounted. The same for both. */
type Mount = (middleware: Middleware) => RequestListener;

const BARE: Mount = middleware => (request, response) =>
  middleware(request as never, response as never, error => answerNext(response, error));

const EXPRESS: Mount = middleware => {
  const app = express();
  app.use('/mounted', middleware as never);
  app.use(middleware as never);
  app.use((_request: unknown, response: ServerResponse) => answerNext(response, undefined));
  app.use((error: unknown, _request: unknown, response: ServerResponse, _next: unknown) =>
    answerNext(response, error),
  );
  return app;
};

function answerNext(response: ServerResponse, error: unknown): void {
  const { statusCode = 404, headers = {} } = (error ?? {}) as Partial<StatusError>;
  response.writeHead(statusCode, { ...headers, 'Content-Type': 'text/plain' });
  response.end(error === undefined ? 'next' : 'error');
}

function sameTree(context: TestContext): Folder {
  const folder = new Folder();
  writeFiles(folder, FILES);
  symlinkSync('a.txt', folder.file('link.txt'));
  for (const name of Object.keys(FILES)) utimesSync(folder.file(name), 1_600_000_000, 1_600_000_000);
  context.after(() => folder[Symbol.dispose]());
  return folder;
}

/** A server of each kind over the same files. */
async function both(
  context: TestContext,
  options: ServeStaticOptions,
  mount: Mount,
): Promise<[number, number]> {
  const { path } = sameTree(context);
  const cache = createFileCache({ budget: 1 << 24 });
  context.after(() => cache.close());
  const { symlinks: _, ...theirs } = options;
  return [
    await listening(context, mount(original(path, theirs as never) as Middleware)),
    await listening(context, mount(serveStatic(path, { ...options, cache }) as Middleware)),
  ];
}

function essence({ status, headers, body }: Reply): unknown {
  const fields = Object.fromEntries(ESSENTIAL.map(name => [name, headers[name]?.toString()]));
  // For XML too we say which encoding it is in.
  fields['content-type'] = fields['content-type']?.replace('+xml; charset=utf-8', '+xml');
  if (status >= 400) {
    // What serve-static has set before it failed stays; an error handler clears it. We know OPTIONS too.
    const allow = fields.allow?.replace(', OPTIONS', '');
    return { status, range: fields['content-range'], allow, body: status === 405 ? '' : body.toString() };
  }
  // The texts of redirects are for nobody; the tags differ, but are there or not.
  const isRedirect = status === 301;
  if (status === 304) delete fields['accept-ranges'];
  if (isRedirect) for (const name of ['content-type', 'content-length']) delete fields[name];
  return {
    status,
    fields,
    tagged: headers.etag !== undefined,
    body: isRedirect ? undefined : createHash('sha1').update(body).digest('hex'),
  };
}

async function compare(
  [theirs, ours]: readonly [number, number],
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<void> {
  const expected = essence(await get(theirs, path, headers, method));
  // Once from the disk, and once more from memory.
  for (const where of ['disk', 'memory']) {
    const got = essence(await get(ours, path, headers, method));
    assert.deepEqual(got, expected, `${method} ${path} ${JSON.stringify(headers)} from ${where}`);
  }
}

for (const [title, options] of Object.entries<ServeStaticOptions>({
  'no options': {},
  'fallthrough off': { fallthrough: false },
  'an index list, extensions': {
    index: ['none.html', 'other.htm', 'index.html'],
    extensions: ['htm', 'html'],
  },
  'no index, no redirect': { index: false, redirect: false },
  'dotfiles allowed': { dotfiles: 'allow' },
  'dotfiles denied': { dotfiles: 'deny' },
  'dotfiles denied, fallthrough off': { dotfiles: 'deny', fallthrough: false },
  'maxAge as text, immutable': { maxAge: '1 day', immutable: true },
  'maxAge as a number': { maxAge: 90_500 },
  'no fields': { etag: false, lastModified: false, cacheControl: false, acceptRanges: false },
  setHeaders: {
    setHeaders: (response, path, { size, mtime }) => {
      response.setHeader('X-Custom', `${path.split('/').at(-1)} ${size} ${mtime.getTime()}`);
      if (path.endsWith('.txt')) response.setHeader('Cache-Control', 'no-store');
      if (path.endsWith('.json')) response.setHeader('Content-Type', 'application/problem+json');
    },
  },
})) {
  test(`serveStatic() answers as serve-static does: ${title}`, async context => {
    const ports = await both(context, options, BARE);
    for (const path of [...PATHS, '/link.txt']) await compare(ports, path);
    for (const path of OUTSIDE) {
      for (const port of ports) assert((await get(port, path)).status >= 400, path);
    }
    for (const path of ['/', '/a.txt', '/sub', '/none', '/.hidden', '/large.bin']) {
      await compare(ports, path, {}, 'HEAD');
      await compare(ports, path, {}, 'POST');
    }
    // Without validators serve-static has conditions fail that the standard wants ignored.
    if (options.etag === false) return;
    for (const headers of CONDITIONS) await compare(ports, '/large.bin', headers);
  });
}

test('serveStatic() answers as serve-static does in Express, and below a mount path', async context => {
  const ports = await both(context, {}, EXPRESS);
  for (const path of PATHS) {
    await compare(ports, path);
    // The two would name a directory by one slash, and by two.
    if (path !== '//sub') await compare(ports, `/mounted${path}`);
  }
  for (const path of ['/mounted', '/mounted?q=1', '/mounted/', '//mounted/sub']) await compare(ports, path);
  for (const headers of CONDITIONS) await compare(ports, '/mounted/large.bin', headers);
  for (const method of ['HEAD', 'POST', 'OPTIONS']) await compare(ports, '/mounted/sub/', {}, method);
});

test('serveStatic() takes the tag of an earlier answer', async context => {
  const [, port] = await both(context, {}, EXPRESS);
  const { headers } = await get(port, '/a.txt');
  const again = await get(port, '/a.txt', { 'If-None-Match': headers.etag ?? '' });
  assert.deepEqual([again.status, again.body.length], [304, 0]);
});

test("serveStatic() works where Node's permission model forbids native code", async context => {
  const { path } = sameTree(context);
  const entry = new URL('../../../dist/http/index.js', import.meta.url).href;
  const program = `
    import { createServer } from 'node:http';
    import { serveStatic } from ${JSON.stringify(entry)};
    const server = createServer(serveStatic(${JSON.stringify(path)})).listen(0, async () => {
      const response = await fetch('http://localhost:' + server.address().port + '/a.txt');
      console.log(response.status, await response.text());
      process.exit(0);
    });`;
  const flag = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission';
  // Newer versions of Node ask for a permission to use the network as well.
  const net = process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : [];
  const flags = [flag, ...net, '--allow-fs-read=/', '--input-type=module'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--eval', program], {
    timeout: 20_000,
  });
  assert.equal(stdout, '200 text of a\n');
});
