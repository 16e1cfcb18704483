import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { InspectorStatus } from '../../../src/cli/serve/inspect/inspector-status.ts';
import { connectToServer } from '../../../src/cli/top/running-servers.ts';
import { type PublicProgram, UNPRIVILEGED } from '../../support/public-program.ts';
import { watchdog } from '../../support/watchdog.ts';

/** As users have it, and built by `npm test`: it starts in half the time that the sources take. */
const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const SOURCE = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));

export interface IoliteOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Whether the sources run, as modules in TypeScript need it that they start. */
  readonly sources?: boolean;
  /** The command as every user can read it: runs by a user who is not root. */
  readonly unprivileged?: PublicProgram;
  /** Its file, as users have it. */
  readonly program?: string;
  /** Listening sockets that it is given as systemd does, by their names. They stay the caller's. */
  readonly passed?: readonly (readonly [name: string, fd: number])[];
}

/** Becomes the process of which LISTEN_PID tells: only that knows its number. */
const AS_PASSED = 'LISTEN_PID=$$; export LISTEN_PID; exec "$@"';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** `iolite` as a process of its own, with a process group of its own; all of it dead when disposed of. */
export class Iolite implements AsyncDisposable {
  readonly process: ChildProcess;
  stdout = '';
  stderr = '';
  /** When the process and all that inherited its output are gone: its workers, too. */
  readonly #ended: Promise<Ended>;

  constructor(args: readonly string[], options: IoliteOptions = {}) {
    const { env, sources = false, unprivileged } = options;
    const { program: built = unprivileged?.path, passed = [] } = options;
    const command = [process.execPath, sources ? SOURCE : (built ?? MAIN), ...args];
    if (passed.length > 0) command.unshift('/bin/sh', '-c', AS_PASSED, 'sh');
    const variables =
      passed.length === 0
        ? {}
        : { LISTEN_FDS: `${passed.length}`, LISTEN_FDNAMES: passed.map(([name]) => name).join(':') };
    this.process = spawn(command[0] as string, command.slice(1), {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', ...passed.map(([, fd]) => fd)],
      env: { ...process.env, ...variables, ...env },
      ...(unprivileged === undefined ? {} : { ...UNPRIVILEGED, cwd: unprivileged.folder }),
    });
    this.process.stdout?.setEncoding('utf8').on('data', text => {
      this.stdout += text;
    });
    this.process.stderr?.setEncoding('utf8').on('data', text => {
      this.stderr += text;
    });
    this.#ended = once(this.process, 'close').then(([code, signal]) => ({ code, signal }));
  }

  get pid(): number {
    return this.process.pid as number;
  }

  /** What it has said that matches, on stdout; waits for it. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    const heard = async (): Promise<RegExpExecArray> => {
      const closed = this.#ended.then(() => {
        throw new Error(`iolite ended: ${this.stderr}`);
      });
      closed.catch(() => {});
      for (;;) {
        const found = pattern.exec(this.stdout);
        if (found !== null) return found;
        await Promise.race([once(this.process.stdout as NodeJS.ReadableStream, 'data'), closed]);
      }
    };
    return watchdog(heard(), `iolite to say ${pattern}; stderr: ${this.stderr}`, 40_000);
  }

  /** How the process ended, once no process is left that it started. */
  ended(): Promise<Ended> {
    return watchdog(this.#ended, `iolite and its workers to end; stderr: ${this.stderr}`, 40_000);
  }

  /** Sends a signal to every process of the group, as a terminal does. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.signalGroup('SIGKILL');
    } catch {
      // Nobody is left.
    }
    await this.ended();
  }
}

/** `iolite serve` that serves. */
export class Served extends Iolite {
  #port = 0;

  /** Starts it on a free port, unless the arguments say otherwise, and waits until it says that it serves. */
  static async start(
    directory: string,
    args: readonly string[] = [],
    env: NodeJS.ProcessEnv = {},
  ): Promise<Served> {
    return Served.startWith([directory, ...args], env);
  }

  /** The same, with all arguments given but for the port. */
  static async startWith(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Served> {
    return Served.#startOf(args, { env: { IOLITE_IDENTIFY_WORKERS: '1', ...env } });
  }

  /** The same of the sources, which applications in TypeScript can be loaded by. Workers are not confined. */
  static async startSources(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Served> {
    return Served.#startOf(args, { sources: true, env: { IOLITE_IDENTIFY_WORKERS: '1', ...env } });
  }

  /** The same of a program that was built, without the loader of the sources. */
  static async startBuilt(program: string, args: readonly string[]): Promise<Served> {
    return Served.#startOf(args, { program, env: { IOLITE_IDENTIFY_WORKERS: '1', NODE_OPTIONS: '' } });
  }

  static async #startOf(args: readonly string[], options: IoliteOptions): Promise<Served> {
    const served = new Served(['serve', '--port', '0', ...args], options);
    try {
      await watchdog(served.#announced(), `iolite to serve; stderr: ${served.stderr}`, 40_000);
    } catch (error) {
      await served[Symbol.asyncDispose]();
      throw error;
    }
    return served;
  }

  get port(): number {
    return this.#port;
  }

  /** The process ids of the workers. */
  workers(): Promise<number[]> {
    return this.pidsOf('worker');
  }

  /** Those of the applications, of which some may not listen yet. */
  applications(): Promise<number[]> {
    return this.pidsOf('application');
  }

  /** Those of a role, as they are just now. */
  async pidsOf(role: 'worker' | 'application'): Promise<number[]> {
    const program = role === 'worker' ? 'serve-worker' : 'app-process';
    return childrenOf(this.pid).filter(pid => {
      try {
        return isAlive(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(program);
      } catch {
        return false;
      }
    });
  }

  /** What `iolite top` would show. */
  async status(): Promise<InspectorStatus> {
    using source = await connectToServer(this.pid);
    return await source.read();
  }

  async #announced(): Promise<void> {
    const closed = this.ended().then(() => {
      throw new Error(`iolite ended: ${this.stderr}`);
    });
    closed.catch(() => {});
    while (!/ with \d+ workers?\b/.test(this.stdout)) {
      await Promise.race([once(this.process.stdout as NodeJS.ReadableStream, 'data'), closed]);
    }
    this.#port = Number(/:(\d+)\/ with/.exec(this.stdout)?.[1]);
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Which worker answered. */
  readonly worker: number;
}

export interface GetOptions {
  readonly agent?: Agent;
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

/** One request, on a new connection unless an agent is given. The path is sent as it is. */
export function get(port: number, path: string, options: GetOptions = {}): Promise<Answer> {
  const answer = new Promise<Answer>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, agent: false, ...options }, async response => {
      try {
        const pieces: Buffer[] = [];
        for await (const piece of response) pieces.push(piece);
        resolve({
          status: response.statusCode as number,
          headers: response.headers,
          body: Buffer.concat(pieces),
          worker: Number(response.headers['x-iolite-worker']),
        });
      } catch (error) {
        reject(error);
      }
    });
    sent.on('error', reject);
    sent.end();
  });
  return watchdog(answer, `an answer to ${path}`);
}

/** A kept connection to each of `count` workers, by their process id. */
export async function connectToEach(port: number, count: number): Promise<Map<number, Agent>> {
  const agents = new Map<number, Agent>();
  while (agents.size < count) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { worker } = await get(port, '/', { agent });
    if (agents.has(worker)) agent.destroy();
    else agents.set(worker, agent);
  }
  return agents;
}

/** A download that its reader has stopped in the middle. */
export class SlowDownload {
  readonly #socket: Socket;
  readonly #pieces: Buffer[] = [];
  readonly #closed: Promise<unknown>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', piece => {
      this.#pieces.push(piece);
      if (this.#pieces.length === 1) socket.pause();
    });
    // A connection that is reset shows as bytes that are missing.
    socket.on('error', () => {});
    this.#closed = once(socket, 'close');
  }

  /** Sends a request and reads the first bytes of the response. */
  static async start(port: number, path: string): Promise<SlowDownload> {
    const socket = connect(port, '127.0.0.1');
    const download = new SlowDownload(socket);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
    await watchdog(once(socket, 'data'), 'the first bytes of a download');
    return download;
  }

  /** Reads the rest. @returns the body */
  async finish(): Promise<Buffer> {
    this.#socket.resume();
    await watchdog(this.#closed, 'the end of a download');
    const all = Buffer.concat(this.#pieces);
    return all.subarray(all.indexOf('\r\n\r\n') + 4);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** The processes that a process has started. */
function childrenOf(pid: number): number[] {
  const folder = `/proc/${pid}/task`;
  const texts = readdirSync(folder).map(task => readFileSync(`${folder}/${task}/children`, 'latin1'));
  return texts.flatMap(text => text.split(' ').filter(each => each !== '')).map(Number);
}

/** Whether a process runs: one that has ended and waits for its parent, or init, to take note does not. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** Waits until none of the processes runs. */
export async function untilGone(pids: readonly number[]): Promise<void> {
  const gone = async (): Promise<void> => {
    while (pids.some(isAlive)) await new Promise(setImmediate);
  };
  await watchdog(gone(), `processes ${pids} to be gone`);
}

/** Waits until new connections are refused. */
export async function untilRefused(port: number): Promise<void> {
  const refused = async (): Promise<void> => {
    for (;;) {
      const socket = connect(port, '127.0.0.1');
      const outcome = await new Promise<string>(resolve => {
        socket.once('connect', () => resolve('connected'));
        socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
      });
      socket.destroy();
      if (outcome === 'ECONNREFUSED') return;
    }
  };
  await watchdog(refused(), 'connections to be refused');
}
