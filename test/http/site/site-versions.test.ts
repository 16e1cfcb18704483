import assert from 'node:assert/strict';
import { chmodSync, linkSync, utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { releaseBody } from '../../../src/http/message/body.ts';
import { answerOf } from '../../../src/http/message/promised-answer.ts';
import { createServer } from '../../../src/http/server/server.ts';
import { createSite } from '../../../src/http/site/site.ts';
import { checkLog, LINE, logLines } from '../../file/support/growing-log.ts';
import { Folder } from '../../support/folder.ts';
import { Program } from '../../support/program.ts';
import { watchdog } from '../../support/watchdog.ts';
import { requestFor } from '../support/asked.ts';
import { get, SiteServer } from '../support/site-server.ts';

const MIB = 1024 ** 2;
const WRITER = new URL('../../file/children/log-writer.ts', import.meta.url);
const NO_HEADERS = { 'content-encoding': undefined };

for (const [name, size, pause] of [
  ['1 MiB, a line every 10 ms', MIB, 10],
  ['24 MiB, a line every 500 ms', 24 * MIB, 500],
  ['24 MiB, lines all the time', 24 * MIB, 0],
] as const) {
  test(`each answer with a log that grows is whole, with the length it had (${name})`, async () => {
    using folder = new Folder();
    writeFileSync(folder.file('log'), logLines(0, size / LINE));
    using cache = createFileCache({ budget: 64 * MIB, maxStale: 0 });
    await using server = createServer({ root: folder.path, cache });
    await server.listen(0, '127.0.0.1');
    const { port } = server.address() as { port: number };
    await using writer = new Program(WRITER, [folder.file('log'), 'append', String(pause), String(size)]);
    const lengths: number[] = [];
    for (let i = 0; i < 3; i++) {
      await writer.line();
      const answers = await Promise.all([get(port, '/log'), get(port, '/log')]);
      for (const { status, headers, body } of answers) {
        assert.deepEqual(
          { status, 'content-encoding': headers['content-encoding'] },
          { status: 200, ...NO_HEADERS },
        );
        assert.equal(headers['content-length'], String(body.length));
        checkLog(body);
        lengths.push(body.length);
      }
    }
    assert.ok(Math.min(...lengths) >= size + LINE);
    assert.ok(Math.max(...lengths) > Math.min(...lengths));
  });
}

test('a download goes on after chmod, and under another name', async context => {
  const content = Buffer.alloc(20 * MIB, 'some content, of odd length;');
  const site = await SiteServer.start(context, { 'a.bin': content });
  utimesSync(site.folder.file('a.bin'), 1_700_000_000, 1_700_000_000);
  const begun = await site.get('/a.bin', { Range: 'bytes=0-99' });
  const etag = begun.headers.etag ?? '';
  assert.match(etag, /^"/);
  chmodSync(site.folder.file('a.bin'), 0o600);
  linkSync(site.folder.file('a.bin'), site.folder.file('b.bin'));
  for (const path of ['/a.bin', '/b.bin']) {
    const rest = await site.get(path, { Range: 'bytes=100-', 'If-Range': etag });
    assert.equal(rest.status, 206);
    assert.ok(rest.body.equals(content.subarray(100)));
  }
  await site.assertNothingHeld();
});

for (const [what, seconds] of [
  ['says nothing', 1],
  ['is that of all packages', 499_162_500],
  ['lies in the future', Math.floor(Date.now() / 1000) + 86_400],
] as const) {
  test(`a date that ${what} is no validator`, async context => {
    const site = await SiteServer.start(context, { 'a.txt': 'first version' });
    const path = site.folder.file('a.txt');
    utimesSync(path, seconds, seconds);
    const first = await site.get('/a.txt');
    assert.equal(first.headers['last-modified'], undefined);
    const date = new Date(seconds * 1000).toUTCString();
    writeFileSync(path, 'other version');
    utimesSync(path, seconds, seconds);
    for (const headers of [
      { 'If-Modified-Since': date },
      { 'If-Modified-Since': new Date().toUTCString() },
      { 'If-Unmodified-Since': date },
      { Range: 'bytes=3-', 'If-Range': date },
      { 'If-None-Match': first.headers.etag ?? '' },
      { Range: 'bytes=3-', 'If-Range': first.headers.etag ?? '' },
    ]) {
      const { status, body } = await site.get('/a.txt', headers as Record<string, string>);
      assert.deepEqual([status, body.toString()], [200, 'other version'], Object.keys(headers).join());
    }
    const { headers } = await site.get('/a.txt');
    assert.equal((await site.get('/a.txt', { 'If-None-Match': headers.etag ?? '' })).status, 304);
  });
}

test('a date in the future is sent as soon as it is past', async context => {
  using folder = new Folder();
  writeFileSync(folder.file('a.txt'), 'content');
  const date = Math.floor(Date.now() / 1000) + 3600;
  utimesSync(folder.file('a.txt'), date, date);
  using cache = createFileCache({ budget: MIB });
  const site = createSite(folder.path, { cache });
  const isDated = async (): Promise<boolean> => {
    const answer = await answerOf(site, requestFor('/a.txt'));
    if (answer?.body !== undefined) releaseBody(answer.body);
    return answer?.headers.includes('Last-Modified') ?? false;
  };
  assert.equal(await watchdog(isDated(), 'an answer'), false);
  context.mock.timers.enable({ apis: ['Date'], now: (date + 1) * 1000 });
  assert.equal(await watchdog(isDated(), 'an answer'), true);
});
