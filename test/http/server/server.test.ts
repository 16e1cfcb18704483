import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer as createNodeServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { AppProcesses } from '../../../src/http/app/server-side/app-processes.ts';
import type { AnswerReport } from '../../../src/http/message/answer-report.ts';
import type { Answer, Handler } from '../../../src/http/message/exchange.ts';
import type { AnswerFunction } from '../../../src/http/message/promised-answer.ts';
import { type CreateServerOptions, createServer, type Server } from '../../../src/http/server/server.ts';
import { Folder } from '../../support/folder.ts';
import { holdingsReturnTo, settledHoldings } from '../../support/holdings.ts';
import { watchdog } from '../../support/watchdog.ts';

const APPLICATION = new URL('../app/children/application.ts', import.meta.url);
const FETCH_APPLICATION = fileURLToPath(new URL('../app/children/fetch-application.ts', import.meta.url));

async function serving(
  options: CreateServerOptions,
  use: (base: string, server: Server) => Promise<void>,
): Promise<void> {
  await using server = createServer(options);
  await watchdog(server.listen(0, '127.0.0.1'), 'the server to listen', 40_000);
  await use(`http://127.0.0.1:${server.address()?.port}`, server);
}

async function answerOf(url: string, init?: RequestInit): Promise<[number, string]> {
  const response = await watchdog(fetch(url, init), `an answer of ${url}`);
  return [response.status, await response.text()];
}

test('the handler is asked first, then the directory, then the application', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('hello'), 'a file');
  writeFileSync(folder.file('index.html'), 'home');
  const handler: AnswerFunction = async ({ target }) =>
    target === '/hello?handler'
      ? { status: 202, headers: ['Content-Length', '0'], body: undefined }
      : undefined;
  await serving({ handler, root: folder.path, app: { module: APPLICATION } }, async base => {
    assert.deepEqual(await answerOf(`${base}/hello?handler`), [202, '']);
    assert.deepEqual(await answerOf(`${base}/hello`), [200, 'a file']);
    assert.deepEqual(await answerOf(`${base}/`), [200, 'home']);
    assert.deepEqual(await answerOf(`${base}/bytes/3`), [200, 'BBB']);
    assert.deepEqual(await answerOf(`${base}/echo`, { method: 'POST', body: 'said' }), [200, 'said']);
    assert.equal((await answerOf(`${base}/nothing`))[0], 404);
  });
});

test('an application for the fetch interface is one', async () => {
  await serving({ app: { module: FETCH_APPLICATION } }, async base => {
    const headers = { 'X-Name': 'me' };
    const [, text] = await answerOf(`${base}/json?a=b`, { method: 'PUT', body: 'x', headers });
    assert.deepEqual(JSON.parse(text), { method: 'PUT', search: '?a=b', name: 'me' });
    const body = 'y'.repeat(200_000);
    assert.deepEqual(await answerOf(`${base}/echo`, { method: 'POST', body }), [200, body]);
    assert.deepEqual(await answerOf(`${base}/stream`), [200, 'at once, and later']);
    assert.equal((await answerOf(`${base}/large`))[1].length, 1_000_000);
    assert.deepEqual(await answerOf(`${base}/none`), [404, '']);
  });
});

test('an application process that is stuck is ended and begun anew, and costs only what it had', async () => {
  await serving({ app: { module: APPLICATION, hangTimeout: 500 } }, async (base, server) => {
    const apps = server.apps as AppProcesses;
    // On a machine with much to do, others may seem to be stuck as well.
    const stuck = new Set<number>();
    apps.on('stuck', pid => stuck.add(pid));
    const [, first] = await answerOf(`${base}/pid`);
    const [status] = await answerOf(`${base}/stick`);
    assert.equal(status, 502);
    // Another serves as soon as it has started and the gateway has found it.
    const answered = async (): Promise<string> => {
      for (;;) {
        const [status, pid] = await answerOf(`${base}/pid`);
        if (status === 200) return pid;
      }
    };
    assert.notEqual(await watchdog(answered(), 'an answer of another process'), first);
    assert.ok(stuck.has(Number(first)));
  });
});

test('an origin is asked for what no file answers', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('file'), 'a file');
  const origin = createNodeServer((asked, response) => response.end(`origin ${asked.url}`)).listen(
    0,
    '127.0.0.1',
  );
  await once(origin, 'listening');
  const url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
  try {
    await serving({ root: folder.path, origin: url }, async base => {
      assert.deepEqual(await answerOf(`${base}/file`), [200, 'a file']);
      assert.deepEqual(await answerOf(`${base}/other`), [200, 'origin /other']);
    });
  } finally {
    origin.closeAllConnections();
    origin.close();
  }
});

test('limits are kept, and what a handler throws is a 500 that is told', async () => {
  const told: unknown[] = [];
  const handler = async (): Promise<Answer> => {
    throw new Error('as asked');
  };
  const failed = (error: unknown): number => told.push((error as Error).message);
  await serving({ handler, failed, limits: { maxHeaderSize: 1024 } }, async base => {
    assert.equal((await answerOf(base))[0], 500);
    assert.equal((await answerOf(base, { method: 'POST', body: 'x' }))[0], 500);
    const large = request(base, { headers: { 'X-Large': 'x'.repeat(4000) }, agent: false }).end();
    const [response] = await watchdog(once(large, 'response'), 'an answer');
    assert.equal(response.statusCode, 431);
  });
  assert.deepEqual(told, ['as asked', 'as asked']);
});

test('an answer that cannot be sent is a 500 that is told, whoever read the request', async () => {
  const told: unknown[] = [];
  const heard: unknown[] = [];
  const handler = (): Answer => ({ status: 200, headers: ['X-A', 'a\r\nX-B: b'], body: undefined });
  const failed = (_: unknown, { method }: { method: string }): number => told.push(method);
  const listener = { wantsDuration: false, answered: (report: AnswerReport) => heard.push(report.status) };
  await serving({ handler, failed, listeners: [listener] }, async base => {
    for (const method of ['GET', 'POST']) {
      const response = await fetch(base, { method });
      assert.deepEqual([response.status, response.headers.get('x-b')], [500, null], method);
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff', method);
    }
  });
  assert.deepEqual(told, ['GET', 'POST']);
  assert.deepEqual(heard, [500, 500]);
});

test('a hook that throws is a warning, and the client gets its 500, whoever read the request', async () => {
  const warnings: string[] = [];
  const warned = (warning: Error): number => warnings.push(warning.message);
  process.on('warning', warned);
  const failed = (): never => {
    throw new Error('a bug of the hook');
  };
  const fails = (): never => {
    throw new Error('a bug');
  };
  const failsLater: Handler = {
    answer: (_, recipient) => {
      setImmediate(() => recipient.failed(new Error('a bug')));
      return { giveUp: () => {} };
    },
  };
  const failsAtOnce: Handler = { answer: fails };
  try {
    for (const handler of [fails, failsLater, failsAtOnce]) {
      await serving({ handler, failed }, async base => {
        for (const method of ['GET', 'POST']) assert.equal((await fetch(base, { method })).status, 500);
      });
    }
    await new Promise(setImmediate);
    assert.deepEqual(warnings, Array(6).fill('a bug of the hook'));
  } finally {
    process.off('warning', warned);
  }
});

test('createServer() refuses what it cannot serve, and leaves nothing when closed', async () => {
  assert.throws(() => createServer({}), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.throws(() => createServer({ root: '.', limits: { headersTimeout: -1 } }), {
    code: 'ERR_IOLITE_RANGE',
  });
  assert.throws(() => createServer({ app: { module: 7 as never } }), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.throws(() => createServer({ app: { module: 'x', timeout: 0 } }), { code: 'ERR_IOLITE_RANGE' });
  using folder = new Folder();
  writeFileSync(folder.file('broken.mjs'), 'export default 7;');
  const broken = createServer({ app: { module: folder.file('broken.mjs') } });
  await assert.rejects(watchdog(broken.listen(0), 'the failure'), { code: 'ERR_IOLITE_PEER' });
  await broken.close();
  const use = (): Promise<void> =>
    serving({ app: { module: APPLICATION } }, async base => {
      assert.equal((await answerOf(`${base}/kept`))[1].length, 250_000);
    });
  await use();
  const held = await settledHoldings();
  await use();
  await holdingsReturnTo(held);
});

test('rules, hosts and fields of all answers, in a program', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  const options: CreateServerOptions = {
    root: folder.path,
    headers: { 'X-All': 'yes' },
    cors: true,
    rules: [
      {
        match: '/own/',
        handler: ({ target }) => ({ status: 200, headers: ['X-Own', target], body: undefined }),
        strip: '/own',
      },
      { match: '/old', redirect: '/' },
      { match: '/app/', site: { fallback: 'index.html' } },
    ],
    hosts: { '127.0.0.2': { rules: [{ match: '/**', redirect: 'http://127.0.0.1/$1' }] } },
  };
  await serving(options, async base => {
    for (const [path, status] of [
      ['/', 200],
      ['/none', 404],
      ['/old', 301],
      ['/app/deep', 200],
      ['/own/x', 200],
    ] as const) {
      const { status: got, headers } = await fetch(base + path, { redirect: 'manual' });
      assert.deepEqual(
        [got, headers.get('x-all'), headers.get('access-control-allow-origin')],
        [status, 'yes', '*'],
        path,
      );
      assert.equal(headers.get('x-own'), path === '/own/x' ? '/x' : null);
    }
    assert.deepEqual(await answerOf(`${base}/app/deep`), [200, 'home']);
  });
  const [rule] = options.rules ?? [];
  assert.throws(() => createServer({ root: folder.path, rules: [{ ...rule, match: 'x' }] }), {
    code: 'ERR_IOLITE_ARGUMENT',
  });
});
