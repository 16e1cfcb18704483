import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { type SendFileOptions, type SendStream, send } from '../../../src/http/node/send.ts';
import { Folder } from '../../support/folder.ts';
import { get, listening, type Reply, writeFiles } from '../support/site-server.ts';

const CONTENT = 'abcdefghijklmnopqrstuvwxyz';

/** A server that sends what requests name. @returns a client of it */
async function start(
  context: TestContext,
  options: SendFileOptions = {},
  set: (sending: SendStream) => void = () => {},
): Promise<(path: string, headers?: Record<string, string>, method?: string) => Promise<Reply>> {
  const folder = new Folder();
  writeFiles(folder, { 'a.txt': CONTENT, 'sub/index.html': 'sub', 'large.bin': Buffer.alloc(300_000, 'x') });
  const cache = createFileCache({ budget: 1 << 24 });
  context.after(() => {
    cache.close();
    folder[Symbol.dispose]();
  });
  const port = await listening(context, (request, response) => {
    const sending = send(request, request.url ?? '/', { root: folder.path, cache, ...options });
    set(sending);
    assert.equal(sending.pipe(response), response);
  });
  return (path, headers, method) => get(port, path, headers, method);
}

test('send() answers with a file, or with a page where there is none', async context => {
  const ask = await start(context);
  const whole = await ask('/a.txt');
  assert.deepEqual([whole.status, whole.body.toString()], [200, CONTENT]);
  assert.equal((await ask('/large.bin')).body.length, 300_000);
  const part = await ask('/a.txt', { Range: 'bytes=2-4' });
  assert.deepEqual([part.status, part.body.toString()], [206, 'cde']);
  assert.equal((await ask('/a.txt', { 'If-None-Match': String(whole.headers.etag) })).status, 304);
  assert.equal((await ask('/sub')).headers.location, '/sub/');
  assert.equal((await ask('/sub/')).body.toString(), 'sub');
  for (const [path, status] of [
    ['/none', 404],
    ['/../a.txt', 403],
    ['/%', 400],
  ] as const) {
    const { status: said, headers, body } = await ask(path);
    assert.equal(said, status);
    assert.equal(headers['content-security-policy'], "default-src 'none'");
    assert.match(body.toString(), /^<!DOCTYPE html>/);
  }
  const beyond = await ask('/a.txt', { Range: 'bytes=99-' });
  assert.deepEqual([beyond.status, beyond.headers['content-range']], [416, 'bytes */26']);
});

test('of a part the rest of the file is not there: lengths, ranges and tags are its own', async context => {
  const ask = await start(context, { start: 3, end: 10 });
  const part = await ask('/a.txt');
  assert.deepEqual([part.status, part.body.toString()], [200, 'defghijk']);
  assert.equal(part.headers['content-length'], '8');
  const range = await ask('/a.txt', { Range: 'bytes=-2' });
  assert.deepEqual([range.body.toString(), range.headers['content-range']], ['jk', 'bytes 6-7/8']);
  const whole = await (await start(context))('/a.txt');
  assert.notEqual(part.headers.etag, whole.headers.etag);
  const beyond = await (await start(context, { start: 50 }))('/a.txt');
  assert.deepEqual([beyond.status, beyond.body.length], [200, 0]);
});

test('who listens is told, sets fields, and answers what is none of a file', async context => {
  const told: unknown[] = [];
  const ask = await start(context, {}, sending => {
    sending.on('file', (path, { size }) => told.push('file', path.split('/').at(-1), size));
    sending.on('headers', response => response.setHeader('Cache-Control', 'no-store'));
    sending.on('end', () => told.push('end'));
    sending.on('directory', response => response.writeHead(200).end('a directory'));
  });
  const { headers } = await ask('/a.txt');
  assert.equal(headers['cache-control'], 'no-store');
  assert.deepEqual(told, ['file', 'a.txt', 26, 'end']);
  assert.equal((await ask('/sub')).body.toString(), 'a directory');
});

test('errors are told with their status, their cause and its code', async context => {
  const told: unknown[] = [];
  let answer: (() => void) | undefined;
  const ask = await start(context, {}, sending => {
    sending.on('error', error => {
      told.push(error.status, error.code, error.name);
      answer?.();
    });
    const { pipe } = sending;
    sending.pipe = response => {
      answer = () => response.writeHead(500).end();
      return pipe.call(sending, response) as typeof response;
    };
  });
  await ask('/none');
  await ask('/%');
  assert.deepEqual(told, [404, 'ENOENT', 'NotFoundError', 400, 'ERR_IOLITE_STATUS', 'BadRequestError']);
});

test('wrong arguments are refused at once', () => {
  for (const [path, options] of [
    [1, {}],
    ['/a', { start: -1 }],
    ['/a', { end: 'x' }],
    ['/a', { dotfiles: 'x' }],
    ['/a', { dotfile: 'deny' }],
  ]) {
    assert.throws(() => send({} as never, path as string, options as SendFileOptions), {
      code: 'ERR_IOLITE_ARGUMENT',
    });
  }
});
