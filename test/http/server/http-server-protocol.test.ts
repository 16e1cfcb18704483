import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { type TestContext, test } from 'node:test';
import type { Answer, Handler, ServerRequest } from '../../../src/http/message/exchange.ts';
import { statusAnswer, textAnswer } from '../../../src/http/message/status-answer.ts';
import { type CreateServerOptions, createServer } from '../../../src/http/server/server.ts';
import { certificate } from '../../support/certificate.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import { RawClient } from '../support/raw-client.ts';

function text(content: string): Answer {
  return textAnswer(200, 'text/plain', content, []);
}

async function portOf(t: TestContext, options: CreateServerOptions): Promise<number> {
  const server = createServer(options);
  await server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  return server.address()?.port as number;
}

/** All that is answered to some bytes, whose sender ends the connection when the last answer is there. */
async function answersTo(port: number, bytes: string): Promise<string> {
  using client = new RawClient(port, bytes);
  return await client.whole();
}

test('a Host that is none, or that another authority is named beside, is 400', async t => {
  const port = await portOf(t, { handler: () => text('here') });
  for (const host of ['a b/c', 'a/b', 'a b', 'a@b', '[::1', 'a:b']) {
    const answer = await answersTo(port, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 400 /, host);
  }
  for (const host of ['a', 'a:80', 'a:', '[::1]:80', 'a_b', '']) {
    const answer = await answersTo(port, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 200 /, host);
  }
  using folder = new Folder();
  const { cert, key } = certificate(folder);
  const secure = await portOf(t, { handler: () => text('here'), tls: { cert, key } });
  const session = connectHttp2(`https://localhost:${secure}`, { ca: cert });
  t.after(() => session.destroy());
  const statusFor = (host?: string): Promise<number> =>
    watchdog(
      new Promise((resolve, reject) => {
        const fields = { ':path': '/', ':authority': 'a', ...(host === undefined ? {} : { host }) };
        const stream = session.request(fields);
        stream.on('response', headers => resolve(Number(headers[':status'])));
        stream.on('error', reject);
        stream.resume();
      }),
      'a status',
    );
  assert.equal(await statusFor('b'), 400);
  assert.equal(await statusFor('A'), 200);
  assert.equal(await statusFor(), 200);
});

test('CONNECT is answered with 405', async t => {
  const port = await portOf(t, { handler: () => text('here') });
  const answer = await answersTo(port, 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n');
  assert.match(answer, /^HTTP\/1\.1 405 Method Not Allowed\r\n/);
});

test('several slashes are one', async t => {
  using folder = new Folder();
  writeFileSync(folder.file('x.txt'), 'content');
  writeFileSync(folder.file('.hidden'), 'hidden');
  const port = await portOf(t, { root: folder.path });
  for (const path of ['//x.txt', '///x.txt', '/x.txt'])
    assert.match(
      await answersTo(port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`),
      /content$/,
    );
  const hidden = await answersTo(port, 'GET //.hidden HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(hidden, /^HTTP\/1\.1 404 /);
});

test('pipelined requests of which one changes something are answered one after the other', async t => {
  const log: string[] = [];
  let go = (): void => {};
  const port = await portOf(t, {
    handler: async ({ method, target }) => {
      log.push(`${method} ${target}`);
      if (target !== '/3')
        await new Promise<void>(resolve => {
          go = resolve;
        });
      log.push(`${target} done`);
      return text(`${target} `);
    },
  });
  const post = (path: string): string => `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`;
  using client = new RawClient(
    port,
    `${post('/1')}${post('/2')}GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
  );
  for (const path of ['/1', '/2']) {
    await watchdog(
      (async () => {
        while (log.at(-1) !== `POST ${path}`) await new Promise(setImmediate);
      })(),
      path,
    );
    for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
    go();
  }
  assert.match(await client.whole(), /\/1 [\s\S]*\/2 [\s\S]*\/3 /);
  assert.deepEqual(log, ['POST /1', '/1 done', 'POST /2', '/2 done', 'GET /3', '/3 done']);
});

test('a request before bytes that are none gets its answer, then these get 400', async t => {
  const pending: (() => void)[] = [];
  const port = await portOf(t, {
    handler: async ({ target }) => {
      await new Promise<void>(resolve => pending.push(resolve));
      return text(`${target} answered`);
    },
  });
  // Accept-Datetime is nothing that the fast lane knows.
  using client = new RawClient(
    port,
    'GET /1 HTTP/1.1\r\nHost: a\r\nAccept-Datetime: x\r\n\r\n\0\0 bad\r\n\r\n',
  );
  await watchdog(
    (async () => {
      while (pending.length === 0) await new Promise(setImmediate);
    })(),
    'the request',
  );
  for (const resolve of pending) resolve();
  const answers = await client.whole();
  assert.match(answers, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\/1 answered\n?HTTP\/1\.1 400 Bad Request\r\n/);
  assert.match(await answersTo(port, '\0\0 bad\r\n\r\n'), /^HTTP\/1\.1 400 /);
  const long = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`;
  assert.match(await answersTo(port, long), /^HTTP\/1\.1 431 /);
});

test('a body that is none ends its request', async t => {
  const port = await portOf(t, {
    handler: async ({ body }) => {
      for await (const piece of body ?? []) piece.release();
      return text('read');
    },
  });
  const bad = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n';
  assert.match(await answersTo(port, bad), /^HTTP\/1\.1 400 /);
});

test('a client that ends its side behind its request gets a file that is not at hand yet, whole', async t => {
  using folder = new Folder();
  const sizes = { small: 1000, large: 3_000_000, extents: 80_000_000 };
  for (const [name, size] of Object.entries(sizes)) writeFileSync(folder.file(name), 'x'.repeat(size));
  for (const [name, size] of Object.entries(sizes)) {
    const port = await portOf(t, { root: folder.path });
    using client = new RawClient(port, '');
    client.socket.end(`GET /${name} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const answer = await client.whole();
    assert.equal(answer.length - answer.indexOf('\r\n\r\n') - 4, size, name);
  }
});

test('a client that ends its side gives up what may take long', async t => {
  let given = (): void => {};
  const up = new Promise<void>(resolve => {
    given = resolve;
  });
  const port = await portOf(t, {
    handler: (_, signal) =>
      new Promise<undefined>(resolve => {
        signal.addEventListener('abort', () => {
          given();
          resolve(undefined);
        });
      }),
  });
  using client = new RawClient(port, '');
  client.socket.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await watchdog(up, 'giving up');
});

test('what a handler does wrong is 500, however it answers and whoever reads the request', async t => {
  const wrong: Record<string, Handler> = {
    throws: {
      answer: () => {
        throw new Error('as asked');
      },
    },
    'fails later': {
      answer: (_, recipient) => {
        setImmediate(() => recipient.failed(new Error('as asked')));
        return { giveUp: () => {} };
      },
    },
    'says nothing': { answer: () => undefined },
    'has a field that cannot be sent': {
      answer: (_, recipient) => {
        recipient.answered({ status: 200, headers: ['X', 'a\nb'], body: undefined });
        return undefined;
      },
    },
    'has it later': {
      answer: (_, recipient) => {
        setImmediate(() => recipient.answered({ status: 200, headers: ['X', 'a\nb'], body: undefined }));
        return { giveUp: () => {} };
      },
    },
  };
  for (const [name, handler] of Object.entries(wrong)) {
    const failures: unknown[] = [];
    const port = await portOf(t, { handler, failed: error => failures.push(error) });
    for (const more of ['', 'Accept-Datetime: x\r\n']) {
      const answer = await answersTo(port, `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${more}\r\n`);
      assert.match(answer, /^HTTP\/1\.1 500 /, name);
      assert.match(answer, /\r\nX-Content-Type-Options: nosniff\r\n/, name);
    }
    assert.equal(failures.length, 2, name);
  }
});

test('a handler that throws when it has answered has answered', async t => {
  const handler: Handler = {
    answer: (_, recipient) => {
      recipient.answered(statusAnswer(404));
      throw new Error('too late');
    },
  };
  const port = await portOf(t, { handler });
  for (const more of ['', 'Accept-Datetime: x\r\n']) {
    const answer = await answersTo(port, `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${more}\r\n`);
    assert.match(answer, /^HTTP\/1\.1 404 /);
  }
});

test('a client is told to go on when its body is wanted, and not before', async t => {
  const handler = async ({ target, body }: ServerRequest): Promise<Answer> => {
    if (target === '/refused') return statusAnswer(413);
    for await (const piece of body ?? []) piece.release();
    return text('taken');
  };
  const port = await portOf(t, { handler });
  const ask = (path: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n` +
    'Content-Length: 4\r\nConnection: close\r\n\r\n';
  using client = new RawClient(port, ask('/'));
  await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
  client.socket.write('body');
  assert.match(await client.whole(), /^HTTP\/1\.1 200 [\s\S]*taken/);
  using refused = new RawClient(port, ask('/refused'));
  await refused.until(/^HTTP\/1\.1 413 /);
});

test('a connection on which the handler is waited for is not idle; one whose client is, ends', async t => {
  let respond = (): void => {};
  const handler = async (): Promise<Answer> => {
    await new Promise<void>(resolve => {
      respond = resolve;
    });
    return text('at last');
  };
  const port = await portOf(t, {
    handler,
    limits: { idleTimeout: 50, keepAliveTimeout: 0, headersTimeout: 0 },
  });
  using waiting = new RawClient(port, 'GET / HTTP/1.1\r\nHost: a\r\nAccept-Datetime: x\r\n\r\n');
  using idle = new RawClient(port, 'GET / HTTP/1.1\r\nHost: a\r\nAccept-Datetime');
  // It came later, and is idle for as long as the one before.
  await watchdog(idle.ended, 'the end of a connection that is idle');
  respond();
  await waiting.until(/at last/);
});
