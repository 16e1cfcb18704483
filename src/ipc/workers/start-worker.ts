import { setMaxListeners } from 'node:events';
import type { Channel } from '../channel.ts';
import { fork } from '../meet/fork.ts';
import { inheritedOptions } from '../meet/inherited-options.ts';
import { describeEnd, endOfProcess } from '../meet/peer-end.ts';
import { spawnThread } from '../meet/thread.ts';
import type { WorkerPoolSettings } from './worker-pool-options.ts';

/** A worker that has taken up its channel, whatever it is. It does not keep this process alive. */
export interface StartedWorker {
  readonly channel: Channel;
  readonly pid: number;
  /** Of a thread. */
  readonly threadId: number | undefined;
  /** Resolves when it has ended, and what it held is given back: how, for people. */
  readonly end: Promise<string>;
  /** Ends it now, whatever it does. */
  kill(): void;
}

/** The program that workers run. */
function programUrl(): URL {
  const name = import.meta.url.endsWith('.ts') ? './worker-program.ts' : './worker-program.js';
  return new URL(name, import.meta.url);
}

/**
 * Starts a worker. @param signal ends the start @throws why it did not, as fork() and spawnThread() do
 */
export function startWorker(settings: WorkerPoolSettings, signal: AbortSignal): Promise<StartedWorker> {
  setMaxListeners(0, signal);
  return settings.kind === 'thread' ? startThread(settings, signal) : startProcess(settings, signal);
}

function argumentsOf({ module, channel = {}, args = [] }: WorkerPoolSettings): string[] {
  return [module, JSON.stringify(channel), ...args];
}

async function startThread(settings: WorkerPoolSettings, signal: AbortSignal): Promise<StartedWorker> {
  const { env, execArgv, channel: options, workerData, resourceLimits, startTimeout: timeout } = settings;
  const { channel, thread } = await spawnThread(programUrl(), argumentsOf(settings), {
    signal,
    timeout,
    ...(env === undefined ? {} : { env }),
    ...(execArgv === undefined ? {} : { execArgv }),
    ...(options === undefined ? {} : { channel: options }),
    ...(workerData === undefined ? {} : { workerData }),
    ...(resourceLimits === undefined ? {} : { resourceLimits }),
  });
  const { threadId } = thread;
  let failure = '';
  thread.on('error', error => {
    failure = ` (${error instanceof Error ? error.message : String(error)})`;
  });
  const end = new Promise<string>(ended => {
    thread.once('exit', code => ended(`Worker thread ${threadId} exited with code ${code}${failure}`));
  });
  thread.unref();
  channel.unref();
  return { channel, pid: process.pid, threadId, end, kill: () => void thread.terminate() };
}

async function startProcess(settings: WorkerPoolSettings, signal: AbortSignal): Promise<StartedWorker> {
  const { execArgv = inheritedOptions(), channel: options, startTimeout: timeout, resourceLimits } = settings;
  const { env, files, cwd, stdio, uid, gid } = settings;
  const { channel, process: child } = await fork(programUrl(), argumentsOf(settings), {
    signal,
    timeout,
    execArgv: [...execArgv, ...optionsOfLimits(resourceLimits)],
    ...(env === undefined ? {} : { env }),
    ...(options === undefined ? {} : { channel: options }),
    ...(files === undefined ? {} : { files }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(stdio === undefined ? {} : { stdio }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  const pid = child.pid as number;
  const end = endOfProcess(child).then(how => `Worker process ${pid} ${describeEnd(how)}`);
  child.unref();
  channel.unref();
  return { channel, pid, threadId: undefined, end, kill: () => void child.kill('SIGKILL') };
}

/** What a process is told that a thread has as `resourceLimits`. */
function optionsOfLimits({
  maxOldGenerationSizeMb,
  stackSizeMb,
}: WorkerPoolSettings['resourceLimits'] = {}): string[] {
  return [
    ...(maxOldGenerationSizeMb === undefined ? [] : [`--max-old-space-size=${maxOldGenerationSizeMb}`]),
    ...(stackSizeMb === undefined ? [] : [`--stack-size=${Math.round(stackSizeMb * 1000)}`]),
  ];
}
