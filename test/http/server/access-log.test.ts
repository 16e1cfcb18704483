import assert from 'node:assert/strict';
import { readFileSync, renameSync } from 'node:fs';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { statusAnswer } from '../../../src/http/message/status-answer.ts';
import type { AccessRecord } from '../../../src/http/server/access-format.ts';
import { createAccessLog } from '../../../src/http/server/access-log.ts';
import { createServer } from '../../../src/http/server/server.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

const RECORD: AccessRecord = {
  time: Date.UTC(2026, 10, 5, 7, 8, 9),
  remoteAddress: '127.0.0.1',
  method: 'GET',
  target: '/a?b=1',
  httpVersion: '1.1',
  status: 200,
  bytes: 1234,
  referer: 'http://example.com/',
  userAgent: 'Mozilla/5.0 (X)',
};

/** What a log of these records says. */
async function logged(format: 'combined' | 'json', records: readonly AccessRecord[]): Promise<string> {
  const output = new PassThrough({ highWaterMark: 1 << 24 });
  const log = createAccessLog({ format, output });
  for (const record of records) log.write(record);
  await watchdog(log.close(), 'the log');
  return String(output.read() ?? '');
}

test('combined entries are those that every tool reads', async () => {
  const bare = { ...RECORD, remoteAddress: undefined, bytes: 0, referer: undefined, userAgent: undefined };
  assert.equal(
    await logged('combined', [RECORD, { ...bare, status: 304, time: RECORD.time + 1000 }]),
    '127.0.0.1 - - [05/Nov/2026:07:08:09 +0000] "GET /a?b=1 HTTP/1.1" 200 1234 ' +
      '"http://example.com/" "Mozilla/5.0 (X)"\n' +
      '- - - [05/Nov/2026:07:08:10 +0000] "GET /a?b=1 HTTP/1.1" 304 - "-" "-"\n',
  );
});

test('JSON entries have all that is known', async () => {
  const entry = JSON.parse(await logged('json', [{ ...RECORD, duration: 1.5 }]));
  assert.deepEqual(entry, { ...RECORD, duration: 1.5, time: '2026-11-05T07:08:09.000Z' });
});

test('no client can write an entry of its own', async () => {
  const hostile = { ...RECORD, target: '/"\n1.2.3.4 - -', userAgent: '\\" \u001b[31m é \r\n' };
  const line = await logged('combined', [hostile]);
  assert(line.includes('"GET /\\"\\x0a1.2.3.4 - - HTTP/1.1"'));
  assert(line.includes('"\\\\\\" \\x1b[31m \\xc3\\xa9 \\x0d\\x0a"'));
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), fc.string(), async (target, userAgent) => {
      for (const format of ['combined', 'json'] as const) {
        const text = await logged(format, [{ ...RECORD, target, userAgent, referer: target }]);
        assert.equal(text.split('\n').length, 2);
        if (format === 'combined') assert.equal(text.match(/(?<!\\)(?:\\\\)*"/g)?.length, 6);
        else assert.equal(JSON.parse(text).userAgent, userAgent);
      }
    }),
    { numRuns: 200 },
  );
});

test('a file is appended to, and opened anew after it was renamed', async () => {
  using folder = new Folder();
  const path = folder.file('access.log');
  const log = createAccessLog({ output: path });
  log.write(RECORD);
  await new Promise(resolve => setImmediate(resolve));
  log.write(RECORD);
  await watchdog(log.close(), 'the first log');
  assert.equal(readFileSync(path, 'utf8').split('\n').length, 3);

  const second = createAccessLog({ output: path });
  second.write({ ...RECORD, target: '/second' });
  renameSync(path, `${path}.1`);
  second.reopen();
  second.write({ ...RECORD, target: '/third' });
  await watchdog(second.close(), 'the second log');
  const files = [path, `${path}.1`].map(name => readFileSync(name, 'utf8'));
  assert.match(files.join(''), /second/);
  assert.match(files[0] ?? '', /third/);
  assert.match(files[1] ?? '', /\/a\?b=1/);
});

test('an output that does not keep up costs bounded memory, one that fails nothing', async () => {
  let take = (): void => {};
  const stuck = new Writable({
    write: (_chunk, _encoding, done) => {
      take = done;
    },
  });
  const log = createAccessLog({ output: stuck, limit: 100_000 });
  for (let index = 0; index < 10_000; index++) log.write(RECORD);
  assert(log.dropped > 5000);
  assert(stuck.writableLength <= 200_000);
  take();
  stuck.destroy();

  const told: (string | undefined)[] = [];
  const failing = createAccessLog({
    output: '/nonexistent/folder/access.log',
    onTrouble: trouble => told.push(trouble?.message.split(':')[0]),
  });
  for (let index = 0; index < 3; index++) failing.write(RECORD);
  await watchdog(failing.close(), 'the log that cannot be written');
  failing.write(RECORD);
  assert.equal(failing.dropped, 4);
  assert.deepEqual(told, ['ENOENT']);
});

test('a stream that has failed, or does not keep up, is told once', async () => {
  const told: (string | undefined)[] = [];
  const onTrouble = (trouble: Error | undefined): void => void told.push(trouble?.message);
  const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error('broken')) });
  const log = createAccessLog({ output: broken, onTrouble });
  for (let index = 0; index < 1000; index++) log.write(RECORD);
  await watchdog(log.close(), 'the log of a broken stream');
  assert.deepEqual(told, ['broken']);
  assert.equal(log.dropped, 1000);

  const stuck = createAccessLog({ output: new Writable({ write: () => {} }), limit: 1000, onTrouble });
  for (let index = 0; index < 100; index++) stuck.write(RECORD);
  assert.deepEqual(told.slice(1), ['it does not keep up, more than 1000 bytes wait']);
  assert.ok(stuck.dropped > 80);
});

test('createAccessLog() refuses what it cannot use', () => {
  const output = new PassThrough();
  for (const options of [{ output, format: 'xml' }, { output: 3 }, {}, { output, limit: 'much' }]) {
    assert.throws(() => createAccessLog(options as never), { code: 'ERR_IOLITE_ARGUMENT' });
  }
});

test('behind proxies that are trusted, the log shows the client', async () => {
  for (const trustForwarded of [['127.0.0.0/8'], undefined]) {
    const output = new PassThrough();
    const log = createAccessLog({ format: 'json', output, trustForwarded });
    const server = createServer({ handler: () => statusAnswer(200), accessLog: log });
    await server.listen(0, '127.0.0.1');
    const url = `http://127.0.0.1:${server.address()?.port}/`;
    await (await fetch(url, { headers: { 'X-Forwarded-For': '192.0.2.1' } })).text();
    await server.close();
    await log.close();
    const { remoteAddress } = JSON.parse(String(output.read()));
    assert.equal(remoteAddress, trustForwarded === undefined ? '127.0.0.1' : '192.0.2.1');
  }
});
