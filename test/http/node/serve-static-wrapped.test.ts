import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import compression from 'compression';
import express from 'express';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { type ServeStaticOptions, serveStatic } from '../../../src/http/node/serve-static.ts';
import { Folder } from '../../support/folder.ts';
import { get, listening, writeFiles } from '../support/site-server.ts';

const KIB = 1024;
const SIZES = [0, 1, 16 * KIB, 16 * KIB + 1, 64 * KIB, 3_000_000];
const contentOf = (size: number): Buffer => Buffer.from(Array.from({ length: size }, (_, i) => i % 253));
const FILES = Object.fromEntries(SIZES.map(size => [`${size}.txt`, contentOf(size)]));

type Wrap = (response: ServerResponse) => void;

/** A server whose responses somebody stands in for before they come to serveStatic(). */
async function serving(
  context: TestContext,
  wrap: Wrap,
  options: ServeStaticOptions = {},
): Promise<{ readonly port: number; readonly errors: unknown[] }> {
  const folder = new Folder();
  writeFiles(folder, FILES);
  const cache = createFileCache({ budget: 1 << 24 });
  const middleware = serveStatic(folder.path, { ...options, cache, encodings: false });
  const errors: unknown[] = [];
  const port = await listening(context, (request, response) => {
    wrap(response);
    middleware(request, response, error => {
      errors.push(error);
      response.end();
    });
  });
  context.after(() => {
    cache.close();
    folder[Symbol.dispose]();
  });
  return { port, errors };
}

test('a middleware that compresses gets files of every length whole', async context => {
  using folder = new Folder();
  writeFiles(folder, FILES);
  using cache = createFileCache({ budget: 1 << 24 });
  const app = express();
  app.use(compression({ threshold: 0 }));
  app.use(serveStatic(folder.path, { cache, encodings: false }));
  const port = await listening(context, app);
  for (const size of SIZES) {
    for (const from of ['disk', 'memory']) {
      const { status, headers, body } = await get(port, `/${size}.txt`, { 'Accept-Encoding': 'gzip' });
      assert.equal(status, 200);
      assert.equal(headers['content-encoding'], 'gzip', `${size} bytes from ${from}`);
      assert.ok(gunzipSync(body).equals(contentOf(size)));
    }
  }
});

test('who stands in for write() and end() gets bytes that stay, whatever the file becomes', async context => {
  const seen: Uint8Array[] = [];
  const keep = (chunk: unknown): void => {
    if (chunk !== undefined) seen.push(chunk as Uint8Array);
  };
  const { port } = await serving(context, response => {
    const { write, end } = response;
    // Neither callback nor encoding is passed on.
    response.write = ((chunk: unknown) => {
      keep(chunk);
      return write.call(response, chunk as Buffer, 'utf8');
    }) as typeof response.write;
    response.end = ((chunk?: unknown) => {
      keep(chunk);
      return chunk === undefined ? Reflect.apply(end, response, []) : end.call(response, chunk, 'utf8');
    }) as typeof response.end;
  });
  for (const size of SIZES.filter(each => each > 0)) {
    seen.length = 0;
    const { body } = await get(port, `/${size}.txt`);
    assert.ok(body.equals(contentOf(size)), `${size} bytes`);
    assert.ok(seen.every(chunk => chunk instanceof Uint8Array));
    assert.ok(Buffer.concat(seen).equals(contentOf(size)));
  }
});

test('who stands in for writeHead(), or looks at the response at its end, sees the fields', async context => {
  const lengths: unknown[] = [];
  const { port } = await serving(context, response => {
    const { writeHead } = response;
    response.writeHead = ((status: number, fields: Record<string, string> = {}) =>
      writeHead.call(response, status, { ...fields, 'X-Added': 'yes' })) as typeof response.writeHead;
    response.once('finish', () =>
      lengths.push(response.getHeader('Content-Length'), response.getHeader('ETag')),
    );
  });
  for (const size of SIZES) {
    lengths.length = 0;
    const { headers, body } = await get(port, `/${size}.txt`);
    assert.equal(headers['x-added'], 'yes');
    assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
    assert.ok(body.equals(contentOf(size)));
    assert.deepEqual(lengths, [String(size), headers.etag]);
  }
});

test('who waits for the end of a response, or for its close, sees the fields then', async context => {
  for (const event of ['finish', 'prefinish', 'close']) {
    const seen: unknown[] = [];
    const { port } = await serving(context, response => {
      response.once(event, () =>
        seen.push(...response.getHeaderNames(), response.getHeader('Content-Length')),
      );
    });
    await get(port, '/1.txt');
    const { headers } = await get(port, '/65536.txt');
    // That of the first response has come at any rate.
    assert.ok(seen.includes('1'), event);
    assert.ok(seen.includes('etag'), event);
    assert.equal(headers['content-length'], '65536');
  }
});

test('what setHeaders says of a file counts for conditions and ranges', async context => {
  const { port } = await serving(context, () => {}, {
    setHeaders: response => {
      response.setHeader('ETag', '"own"');
      response.setHeader('Last-Modified', 'Sat, 01 Jan 2022 00:00:00 GMT');
      response.setHeader('Content-Type', 'text/x-own');
      response.setHeader('Content-Language', 'en');
    },
  });
  const path = '/65536.txt';
  const same = await get(port, path, { 'If-None-Match': '"own"' });
  assert.equal(same.status, 304);
  for (const name of ['content-type', 'content-language', 'content-length']) {
    assert.equal(same.headers[name], undefined);
  }
  assert.equal((await get(port, path, { 'If-None-Match': '"other"' })).status, 200);
  assert.equal((await get(port, path, { 'If-Match': '"own"' })).status, 200);
  const changed = { 'If-Modified-Since': 'Thu, 02 Jan 2020 00:00:00 GMT' };
  assert.equal((await get(port, path, changed)).status, 200);
  const one = await get(port, path, { Range: 'bytes=0-3', 'If-Range': '"own"' });
  assert.deepEqual([one.status, one.headers['content-type']], [206, 'text/x-own']);
  const several = await get(port, path, { Range: 'bytes=0-3,10-12' });
  assert.equal(several.status, 206);
  assert.match(String(several.headers['content-type']), /^multipart\/byteranges; boundary=/);
});

test('a status that was set before stays, whatever the client has', async context => {
  const { port } = await serving(context, response => {
    response.statusCode = 404;
  });
  const { headers, status } = await get(port, '/1.txt');
  assert.equal(status, 404);
  assert.equal((await get(port, '/1.txt', { 'If-None-Match': String(headers.etag) })).status, 404);
});

test('a header that was sent already is an error for next()', async context => {
  for (const [wrap, options] of [
    [(response: ServerResponse) => response.flushHeaders(), {}],
    [() => {}, { setHeaders: response => (response as ServerResponse).flushHeaders() }],
  ] as [Wrap, ServeStaticOptions][]) {
    const { port, errors } = await serving(context, wrap, options);
    assert.equal((await get(port, '/65536.txt')).body.length, 0);
    assert.deepEqual(
      errors.map(error => (error as NodeJS.ErrnoException).code),
      ['ERR_HTTP_HEADERS_SENT'],
    );
    // Where there is no file nothing was to be sent.
    await get(port, '/none');
    assert.equal(errors[1], undefined);
    assert.equal(errors.length, 2);
  }
});

test('what setHeaders throws goes to next()', async context => {
  const failure = new Error('as asked');
  const { port, errors } = await serving(context, () => {}, {
    setHeaders: () => {
      throw failure;
    },
  });
  for (let i = 0; i < 2; i++) await get(port, '/1.txt');
  assert.deepEqual(errors, [failure, failure]);
});

test('queries name nothing: whatever is in them, the file is served', async context => {
  const { port } = await serving(context, () => {});
  for (const query of [`?${'x'.repeat(6000)}`, '?p=C:\\x', '?a=/../b']) {
    for (const from of ['disk', 'memory']) {
      assert.equal((await get(port, `/1.txt${query}`)).status, 200, `${query.slice(0, 20)} from ${from}`);
    }
  }
});
