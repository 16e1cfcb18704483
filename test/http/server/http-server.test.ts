import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import type { AccessRecord } from '../../../src/http/server/access-format.ts';
import { createAccessLog } from '../../../src/http/server/access-log.ts';
import { createServer, type Server } from '../../../src/http/server/server.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import { type Files, get, writeFiles } from '../support/site-server.ts';

const LARGE = Buffer.alloc(32 * 1024 ** 2, 'large');

/** A site with a log. */
class LoggedServer {
  readonly folder = new Folder();
  readonly #output = new PassThrough({ highWaterMark: 1 << 24 });
  readonly log = createAccessLog({ format: 'json', output: this.#output });
  readonly server: Server;
  readonly #records: AccessRecord[] = [];

  private constructor(files: Files) {
    writeFiles(this.folder, files);
    this.server = createServer({ root: this.folder.path, accessLog: this.log });
    this.#output.on('data', text => {
      for (const line of String(text).trimEnd().split('\n')) this.#records.push(JSON.parse(line));
      this.#output.emit('records');
    });
  }

  static async start(context: TestContext, files: Files): Promise<LoggedServer> {
    const logged = new LoggedServer(files);
    await logged.server.listen(0, '127.0.0.1');
    context.after(async () => {
      await logged.server.close();
      await logged.log.close();
      logged.folder[Symbol.dispose]();
    });
    return logged;
  }

  get port(): number {
    return this.server.address()?.port as number;
  }

  /** The next entries, as many as are said, and no others. */
  async records(count: number): Promise<AccessRecord[]> {
    const there = async (): Promise<void> => {
      while (this.#records.length < count) await once(this.#output, 'records');
    };
    await watchdog(there(), `${count} entries`);
    assert.equal(this.#records.length, count);
    return this.#records.splice(0);
  }
}

/** Makes node:http answer. */
const NODE = { 'X-Unknown': '1' };

test('every answer has one entry, with the bytes of its body, in the lane and behind it', async context => {
  const logged = await LoggedServer.start(context, { 'a.txt': 'x'.repeat(1000), 'large.bin': LARGE });
  for (const way of [{}, NODE]) {
    const told = { ...way, Referer: 'http://example.com/', 'User-Agent': 'test "1"' };
    const { headers } = await get(logged.port, '/a.txt', told);
    await get(logged.port, '/a.txt?again', way);
    await get(logged.port, '/a.txt', way, 'HEAD');
    await get(logged.port, '/a.txt', { ...way, 'If-None-Match': headers.etag as string });
    await get(logged.port, '/a.txt', { ...way, Range: 'bytes=10-19' });
    const { body } = await get(logged.port, '/none', way);
    await get(logged.port, '/large.bin', way);
    const records = await logged.records(7);
    const seen = records.map(({ method, target, status, bytes }) => [method, target, status, bytes]);
    assert.deepEqual(
      seen.sort(),
      [
        ['GET', '/a.txt', 200, 1000],
        ['GET', '/a.txt?again', 200, 1000],
        ['HEAD', '/a.txt', 200, 0],
        ['GET', '/a.txt', 304, 0],
        ['GET', '/a.txt', 206, 10],
        ['GET', '/none', 404, body.length],
        ['GET', '/large.bin', 200, LARGE.length],
      ].sort(),
    );
    for (const { remoteAddress, httpVersion, duration, time } of records) {
      assert.deepEqual([remoteAddress, httpVersion], ['127.0.0.1', '1.1']);
      assert((duration as number) >= 0);
      assert(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
    }
    const [first] = records.filter(({ userAgent }) => userAgent !== undefined);
    assert.deepEqual([first?.referer, first?.userAgent], ['http://example.com/', 'test "1"']);
  }
});

test('pipelined requests have an entry each', async context => {
  const logged = await LoggedServer.start(context, { 'a.txt': 'abc', 'large.bin': LARGE });
  await get(logged.port, '/a.txt');
  await get(logged.port, '/large.bin');
  await logged.records(2);
  const socket = connect(logged.port, '127.0.0.1').resume();
  const ask = (target: string, more = ''): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
  const last = ask('/large.bin', 'Connection: close\r\n');
  socket.write(ask('/a.txt') + ask('/a.txt') + ask('/large.bin') + ask('/a.txt') + last);
  await watchdog(once(socket, 'end'), 'the answers');
  socket.end();
  const seen = (await logged.records(5)).map(({ target, bytes }) => [target, bytes]);
  const large = ['/large.bin', LARGE.length];
  assert.deepEqual(seen, [['/a.txt', 3], ['/a.txt', 3], large, ['/a.txt', 3], large]);
});

test('a client that leaves midway has an entry with what it was sent', async context => {
  const logged = await LoggedServer.start(context, { 'large.bin': LARGE });
  for (const way of [{}, NODE, {}]) {
    const headers = { ...way, 'User-Agent': 'leaves' };
    const sent = request({ port: logged.port, host: '127.0.0.1', path: '/large.bin', headers, agent: false });
    sent.on('error', () => {});
    sent.end();
    const [response] = await watchdog(once(sent, 'response'), 'the head');
    response.on('error', () => {});
    await watchdog(once(response, 'readable'), 'the first bytes');
    response.destroy();
    const [record] = await logged.records(1);
    assert.deepEqual(
      [record?.status, record?.userAgent, record?.remoteAddress],
      [200, 'leaves', '127.0.0.1'],
    );
    assert(record !== undefined && record.bytes > 0 && record.bytes < LARGE.length, `${record?.bytes}`);
  }
});
