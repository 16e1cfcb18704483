import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isStream } from '../../../src/http/message/body.ts';
import type { Answer } from '../../../src/http/message/exchange.ts';
import { createProxy, type ReverseProxy } from '../../../src/http/proxy/proxy.ts';
import { assertMet, attemptAll, type FaultCell } from '../../support/faults/attempt.ts';
import type { Call } from '../../support/faults/faults.ts';
import { underFaults } from '../../support/faults/under-faults.ts';
import { holdingsReturnTo, settledHoldings } from '../../support/holdings.ts';
import { watchdog } from '../../support/watchdog.ts';

const pid = process.pid;
/** What a proxy may say whose origin cannot be reached. */
const UNABLE = [502, 503, 504];
const LENGTHS = [20, 300_000];

const failing = (call: Call, errors: readonly Parameters<typeof cell>[1][]): FaultCell[] =>
  errors.flatMap(error => [cell(call, error), cell(call, error, 1), cell(call, error, -1, 1)]);
const cell = (
  call: Call,
  error:
    | 'ECONNREFUSED'
    | 'ECONNRESET'
    | 'ETIMEDOUT'
    | 'ENETUNREACH'
    | 'EHOSTUNREACH'
    | 'EPIPE'
    | 'EMFILE'
    | 'ENOBUFS',
  times = -1,
  skip = 0,
): FaultCell => [call, { ...(call === 'socket' ? {} : { path: 'socket:' }), error, times, skip, pid }];

/** Of the process with the proxy alone, which has no sockets besides those to its origin. */
const CELLS: FaultCell[] = [
  ...failing('connect', ['ECONNREFUSED', 'ETIMEDOUT', 'ENETUNREACH', 'EHOSTUNREACH', 'ENOBUFS']),
  ...failing('socket', ['EMFILE', 'ENOBUFS']),
  ...failing('read', ['ECONNRESET', 'ETIMEDOUT', 'ENOBUFS']),
  ...failing('write', ['EPIPE', 'ECONNRESET']),
  // Who writes waits as long as the kernel has no memory for it.
  cell('write', 'ENOBUFS', 1),
  cell('write', 'ENOBUFS', 1, 1),
  ['read', { path: 'socket:', short: 11, pid }],
  ['read', { path: 'socket:', slow: 5, pid }],
  ['write', { path: 'socket:', short: 3, pid }],
];

/** What comes of a request, its body read. @throws what the proxy fails with, or its body */
async function ask(proxy: ReverseProxy, target: string): Promise<{ status: number; text: string }> {
  const request = {
    ...{ method: 'GET', target, secure: false, remoteAddress: '127.0.0.1' },
    ...{ header: () => undefined, rawHeaders: ['Host', 'a'], body: undefined },
  };
  const { status, body } = await new Promise<Answer>((answered, failed) =>
    proxy.answer(request, { answered, failed, declined: () => failed(new Error('It was declined')) }),
  );
  let text = '';
  if (isStream(body)) {
    for await (const piece of body) {
      text += piece.toString('latin1');
      piece.release();
    }
  } else {
    text = body?.toString('latin1') ?? '';
    body?.release();
  }
  return { status, text };
}

underFaults(import.meta.url, faults => {
  test('a proxy whose connections fail says so with a code, and answers when they do not', async () => {
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('./children/far-origin.ts', import.meta.url))],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    after(() => child.kill('SIGKILL'));
    const [port] = (await watchdog(once(child.stdout, 'data'), 'the port of the origin')) as [Buffer];
    const held = await settledHoldings();
    const outcomes = await attemptAll(faults, CELLS, () => {
      const proxy = createProxy({ origin: `http://127.0.0.1:${Number(port)}` });
      let isOver = false;
      const operation = async (): Promise<void> => {
        const allowed = isOver ? [200] : [200, ...UNABLE];
        isOver = true;
        for (const length of LENGTHS) {
          const { status, text } = await watchdog(ask(proxy, `/${length}`), 'an answer of the proxy');
          assert.ok(allowed.includes(status), `the answer is ${status}`);
          const isRight = text === Buffer.alloc(length, 'origin ').toString();
          assert.ok(status !== 200 || isRight, `${text.length} bytes of ${length}`);
        }
      };
      const end = (): Promise<void> => proxy.close();
      return { operation, end };
    });
    await holdingsReturnTo(held);
    assertMet(outcomes);
  });
});
