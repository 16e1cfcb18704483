import { lookup } from 'node:dns/promises';
import { access, constants, realpath, stat } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { availableParallelism, totalmem } from 'node:os';
import { createFileCache, type OwnedFileCache } from '../file/owned-cache.ts';
import { Supervisor, type Worker } from '../http/supervisor.ts';
import { closeDescriptor } from '../os/descriptor.ts';
import { type Listeners, openListeners } from '../os/listener.ts';
import { StatusReader } from './status-reader.ts';
import { WorkerMessage } from './worker-message.ts';

/** As given on the command line, checked one by one. */
export interface ServeOptions {
  readonly host: string;
  /** Default: 8080, or any that is free when that is not. */
  readonly port?: number;
  /** Default: one a core. */
  readonly workers?: number;
  /** MiB. Default: a quarter of the machine's memory, at most 1024. */
  readonly budget?: number;
}

/** A failure that is the user's to mend: its message is all there is to say. */
export class Failure extends Error {}

const MIB = 1024 ** 2;
const DEFAULT_PORT = 8080;
const MAX_DEFAULT_BUDGET = 1024 * MIB;
/** The same signal by two ways (the terminal's process group, and a parent that passes it on) is one. */
const SAME_SIGNAL = 100;
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Serves a directory until a signal ends it: the first lets the workers finish their responses, a second one
 * kills them.
 * @returns the exit code
 * @throws Failure
 */
export async function serve(directory: string, options: ServeOptions): Promise<number> {
  const count = options.workers ?? availableParallelism();
  const root = await checkDirectory(directory);
  const { fds, port } = openPort(await resolveHost(options.host), options, count);
  const cache = createFileCache({ budget: budgetOf(options) });
  const status = new StatusReader(cache, () => supervisor.workers);
  const supervisor: Supervisor = new Supervisor({
    module: new URL(
      import.meta.url.endsWith('.ts') ? './serve-worker.ts' : './serve-worker.js',
      import.meta.url,
    ),
    args: [root],
    descriptors: fds.map(fd => [fd]),
    connect: worker => connect(worker, { cache, root, status }),
  });
  const ended = untilEnd(supervisor, fds);
  await supervisor.start();
  if (!supervisor.closing) {
    const at = `http://${isIPv6(options.host) ? `[${options.host}]` : options.host}:${port}`;
    console.log(`Serving ${directory} at ${at}/ with ${count} worker${count === 1 ? '' : 's'}`);
    console.log(`Memory per process, live: ${at}/_iolite`);
  }
  const code = await ended;
  cache.close();
  return code;
}

/** Says one line on stderr. */
export function complain(text: string): void {
  process.stderr.write(`iolite: ${text}\n`);
}

/** Shares the cache with a worker. Resolves when the worker serves. */
function connect(
  { channel }: Worker,
  { cache, root, status }: { cache: OwnedFileCache; root: string; status: StatusReader },
): Promise<void> {
  return new Promise(resolve => {
    cache.serve(channel, {
      root,
      otherwise: async ({ head, body }) => {
        body?.release();
        const { type } = (head ?? {}) as { type?: string };
        if (type === WorkerMessage.STATUS) return { head: await status.read() };
        if (type === WorkerMessage.SERVING) resolve();
        return {};
      },
    });
  });
}

/** Closes the supervisor when a signal says so, or when no worker can be started. @returns the exit code */
function untilEnd(supervisor: Supervisor, listeners: number[]): Promise<number> {
  return new Promise(resolve => {
    let code = 0;
    let firstSignal: number | undefined;
    const close = (options = { force: false }): void => {
      for (const fd of listeners.splice(0)) closeDescriptor(fd);
      void supervisor.close(options).then(() => resolve(code));
    };
    for (const [signal, killedCode] of Object.entries(SIGNALS)) {
      process.on(signal, () => {
        const now = performance.now();
        firstSignal ??= now;
        if (firstSignal === now) return close();
        if (now - firstSignal < SAME_SIGNAL) return;
        code = killedCode;
        close({ force: true });
      });
    }
    supervisor.on('exit', ({ reason, restartsIn }) => {
      if (restartsIn !== undefined)
        complain(`${reason}; another starts${restartsIn === 0 ? '' : ` in ${restartsIn} ms`}`);
    });
    supervisor.once('failing', ({ message }) => {
      complain(`Cannot serve: no worker starts. ${message}`);
      code = 1;
      close();
    });
  });
}

/** The real path of a directory that can be read. */
async function checkDirectory(directory: string): Promise<string> {
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such directory',
    ENOTDIR: 'it is not a directory',
    EACCES: 'there is no permission to read it',
  };
  try {
    const root = await realpath(directory);
    if (!(await stat(root)).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    await access(root, constants.R_OK | constants.X_OK);
    return root;
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new Failure(`Cannot serve ${directory}: ${reasons[code] ?? message}`);
  }
}

async function resolveHost(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(`Cannot listen on ${host}: the name does not resolve (${code})`);
  }
}

function openPort(address: string, { host, port }: ServeOptions, count: number): Listeners {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'the port is in use',
    EACCES: 'there is no permission to use the port',
    EADDRNOTAVAIL: 'it is no address of this machine',
  };
  try {
    return openListeners(address, port ?? DEFAULT_PORT, count);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (port === undefined && code === 'EADDRINUSE') return openPort(address, { host, port: 0 }, count);
    const reason = reasons[code];
    throw new Failure(
      reason === undefined ? message : `Cannot listen on ${host} port ${port ?? DEFAULT_PORT}: ${reason}`,
    );
  }
}

function budgetOf({ budget }: ServeOptions): number {
  return budget === undefined ? Math.min(MAX_DEFAULT_BUDGET, Math.floor(totalmem() / 4)) : budget * MIB;
}
