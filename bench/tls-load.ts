import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cpuMicroseconds } from './process-tree.ts';
import type { Rival } from './rival.ts';

const run = promisify(execFile);
/** Connections of wrk, and of the client that resumes. */
const CONNECTIONS = 16;
/** Of h2load: connections, and streams at a time on each. */
const H2 = { connections: 8, streams: 16 } as const;

/** How a server is asked over TLS. */
export type TlsLoad =
  /** wrk, HTTP/1.1 on kept connections. */
  | 'HTTP/1.1'
  /** h2load, HTTP/2 on kept connections. */
  | 'HTTP/2'
  /** wrk, a connection with a full handshake for each request. */
  | 'full handshakes'
  /** A client of ours, a connection for each request that resumes the session before. */
  | 'resumed handshakes';

export interface TlsLoaded {
  /** Requests per second. */
  readonly rate: number;
  /** User and system, of all processes of the server, in microseconds a request. */
  readonly cpu: number;
}

/** @throws Error when an answer is wrong */
export async function measureTls(
  { name, port, pids }: Rival,
  kind: TlsLoad,
  path: string,
  seconds: number,
): Promise<TlsLoaded> {
  const url = `https://127.0.0.1:${port}${path}`;
  const before = cpuMicroseconds(pids);
  const { requests, rate, failure } = await LOADS[kind](url, seconds);
  if (failure !== undefined || requests === 0) {
    throw new Error(`${name} failed at ${kind} of ${path}: ${failure ?? 'no answer'}`);
  }
  return { rate, cpu: (cpuMicroseconds(pids) - before) / requests };
}

interface Told {
  readonly requests: number;
  readonly rate: number;
  readonly failure?: string | undefined;
}

const LOADS: Readonly<Record<TlsLoad, (url: string, seconds: number) => Promise<Told>>> = {
  'HTTP/1.1': (url, seconds) => wrk(url, seconds, []),
  'full handshakes': (url, seconds) => wrk(url, seconds, ['-H', 'Connection: close']),
  'HTTP/2': h2load,
  'resumed handshakes': resume,
};

async function wrk(url: string, seconds: number, more: readonly string[]): Promise<Told> {
  const { stdout } = await run('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, ...more, url]);
  const isWrong = /Non-2xx|Socket errors: (?!connect 0, read \d+, write 0, timeout 0)/.test(stdout);
  return {
    requests: figure(stdout, /([0-9]+) requests in/),
    rate: figure(stdout, /Requests\/sec: +([0-9.]+)/),
    failure: isWrong ? stdout : undefined,
  };
}

async function h2load(url: string, seconds: number): Promise<Told> {
  const options = [`-c${H2.connections}`, `-m${H2.streams}`, '-D', String(seconds)];
  const { stdout } = await run('h2load', [...options, url]);
  const isRight = /[^0-9]0 failed, 0 errored, 0 timeout/.test(stdout) && /[^0-9]0 5xx/.test(stdout);
  return {
    requests: figure(stdout, /([0-9]+) succeeded/),
    rate: figure(stdout, /finished in [^,]+, ([0-9.]+) req\/s/),
    failure: isRight ? undefined : stdout,
  };
}

async function resume(url: string, seconds: number): Promise<Told> {
  const program = fileURLToPath(new URL('./tls-resume.js', import.meta.url));
  const { port, pathname } = new URL(url);
  const args = [port, pathname, String(CONNECTIONS), String(seconds)];
  const client = fork(program, args, { execArgv: [] });
  const [told] = (await once(client, 'message')) as [{ requests: number; resumed: number; seconds: number }];
  client.disconnect();
  const { requests, resumed } = told;
  // The first ones have nothing to resume.
  const isRight = resumed >= requests - CONNECTIONS;
  const failure = isRight ? undefined : `${resumed} of ${requests} connections were resumed`;
  return { requests, rate: requests / told.seconds, failure };
}

function figure(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}
