/** The application of the tests: what it does is in the target. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { createPool } from '../../../../src/aggregate/pool.ts';
import type { AppRequest } from '../../../../src/http/app/app-side/app-request.ts';
import type { AppResponse } from '../../../../src/http/app/app-side/application.ts';

const pool = createPool({ name: 'application' });
const kept = pool.from('kept '.repeat(50_000));
let aborted = 0;

const ANSWERS: Record<string, (request: AppRequest, argument: string) => AppResponse | Promise<AppResponse>> =
  {
    hello: () => ({ body: 'hello' }),
    pid: () => ({ body: String(process.pid), headers: { 'X-Kind': ['one', 'two'] } }),
    kept: () => ({ body: kept.duplicate(), headers: { 'Content-Type': 'text/plain' } }),
    bytes: (_, size) => ({ body: new Uint8Array(Number(size)).fill(66) }),
    status: (_, status) => ({ status: Number(status) }),
    echo: async request => ({
      body: await request.read(),
      headers: { 'X-Method': request.method, 'X-Type': request.header('content-type') ?? 'none' },
    }),
    pipe: request => ({ body: request.body }),
    ignore: () => ({ body: 'ignored' }),
    stream: (_, count) => ({ body: numbers(Number(count)) }),
    endless: () => ({ body: endless() }),
    breaks: () => ({ body: breaks() }),
    silent: request => {
      request.signal.addEventListener('abort', () => {
        aborted += 1;
      });
      return { body: silent() };
    },
    hang: request =>
      new Promise(() =>
        request.signal.addEventListener('abort', () => {
          aborted += 1;
        }),
      ),
    aborted: () => ({ body: String(aborted) }),
    behind: async (_, gate) => {
      const socket = connect(decodeURIComponent(gate)).resume();
      await once(socket, 'end');
      socket.end();
      return { body: 'at last' };
    },
    throw: () => {
      throw new Error('as asked');
    },
    reject: async () => {
      throw new Error('as asked');
    },
    nonsense: () => 7 as never,
    headers: (_, argument) => JSON.parse(decodeURIComponent(argument)),
    exit: () => process.exit(9),
    stick: () => {
      for (;;);
    },
  };

async function* numbers(count: number): AsyncGenerator<string> {
  for (let i = 0; i < count; i++) yield `${i}\n`;
}

async function* silent(): AsyncGenerator<string> {
  yield 'first';
  await new Promise(() => {});
}

async function* endless(): AsyncGenerator<Uint8Array> {
  try {
    for (;;) yield new Uint8Array(10_000).fill(65);
  } finally {
    aborted += 1;
  }
}

async function* breaks(): AsyncGenerator<string> {
  yield 'a beginning';
  await setTimeout(1);
  throw new Error('broken off as asked');
}

export default (request: AppRequest): AppResponse | Promise<AppResponse> => {
  const [, name = '', argument = ''] = request.target.split('/');
  return ANSWERS[name]?.(request, argument) ?? { status: 404 };
};
