import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions, workerData } from 'node:worker_threads';
import { ArgumentError, checkOptionNames, describe, IoliteError, optionNames } from '../../base/error.ts';
import { closeDescriptor } from '../../os/descriptor.ts';
import { unmapLeft } from '../../os/mapping/mapping.ts';
import { socketInode, socketPair } from '../../os/socket.ts';
import { LEDGER_KEY, sharedLedger, takeHoldings } from '../../os/thread/ledger.ts';
import { endSafely } from '../../os/thread/termination.ts';
import { Channel } from '../channel.ts';
import { type ChannelOptions, checkChannelOptions } from '../channel-options.ts';
import { checkTimeout, earlyEndError, takenUp } from './peer-end.ts';

/** How a thread is started, and what is accepted from it. */
export interface ThreadOptions {
  /** What the thread sees as `workerData`, beside keys of ours. */
  readonly workerData?: Readonly<Record<string, unknown>>;
  /** Environment of the thread. Default: a copy of ours. */
  readonly env?: NodeJS.ProcessEnv;
  /** Options for node itself. Default: those of this thread. */
  readonly execArgv?: readonly string[];
  /** As those of Worker. */
  readonly resourceLimits?: WorkerOptions['resourceLimits'];
  /** Milliseconds that the thread has to take up its channel, after which it is ended. Default 60,000. */
  readonly timeout?: number;
  /** Shown by debuggers. */
  readonly name?: string;
  /** Terminates the thread and ends the waiting for it when aborted. */
  readonly signal?: AbortSignal;
  /** Of the channel on this side. */
  readonly channel?: ChannelOptions;
}

const NAMES = optionNames<ThreadOptions>({
  workerData: true,
  env: true,
  execArgv: true,
  resourceLimits: true,
  timeout: true,
  name: true,
  signal: true,
  channel: true,
});

/** A worker thread and the channel to it. */
export interface SpawnedThread {
  /** To it. It closes when the other side ends. */
  readonly channel: Channel;
  /** As the constructor of Worker has made it. */
  readonly thread: Worker;
}

/** Key of the thread's two sockets in `workerData`. */
const SOCKETS_KEY = 'iolite:sockets';

/**
 * Starts a worker thread that runs `module`, connected by a channel: a domain of its own, with descriptors,
 * mappings and leases of its own. The thread calls parentChannel(). However it ends, terminate() included,
 * what it held is given back by the time 'exit' listeners of `thread` that were added afterwards are called.
 * @param module a path or file URL
 * @throws ERR_IOLITE_PEER when the thread ends before it took up its channel; ERR_IOLITE_TIMEOUT when it
 *   takes too long; SystemError; ERR_IOLITE_UNSUPPORTED; the signal's reason
 */
export async function spawnThread(
  module: string | URL,
  args: readonly string[] = [],
  options: ThreadOptions = {},
): Promise<SpawnedThread> {
  if (typeof module !== 'string' && !(module instanceof URL)) {
    throw new ArgumentError(`Cannot spawn thread: a path or URL is wanted, ${describe(module)} was given`);
  }
  checkOptionNames(options, NAMES, 'spawn thread');
  const { signal } = options;
  checkChannelOptions(options.channel);
  checkTimeout(options.timeout);
  signal?.throwIfAborted();
  const [ourMessages, theirMessages] = socketPair('stream');
  const [ourDescriptors, theirDescriptors] = socketPair('seqpacket');
  const theirs = [theirMessages, theirDescriptors].map(fd => ({ fd, inode: socketInode(fd) }));
  const closeTheirs = (): void => {
    // The thread may have closed them, and others may have their numbers.
    for (const { fd, inode } of theirs) if (socketInode(fd) === inode) closeDescriptor(fd);
  };
  let thread: Worker;
  try {
    thread = startWorker(module, args, options, [theirMessages, theirDescriptors]);
  } catch (error) {
    closeTheirs();
    closeDescriptor(ourMessages);
    closeDescriptor(ourDescriptors);
    throw error;
  }
  const { threadId } = thread;
  endSafely(thread);
  const us = { pid: process.pid, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const channel = new Channel({ messages: ourMessages, descriptors: ourDescriptors }, us, options.channel);
  const end = watchEnd(thread);
  thread.once('exit', () => {
    reclaim(threadId);
    closeTheirs();
  });
  const abort = (): void => void thread.terminate();
  signal?.addEventListener('abort', abort, { once: true });
  thread.once('exit', () => signal?.removeEventListener('abort', abort));
  channel.endsWith(new Promise(ended => thread.once('exit', exitCode => ended({ exitCode, signal: null }))));
  try {
    await takenUp(channel.ready(), `thread (${fileOf(module) ?? 'data:'})`, {
      timeout: options.timeout,
      end: abort,
    });
  } catch (error) {
    channel.destroy();
    await thread.terminate();
    signal?.throwIfAborted();
    if (error instanceof IoliteError && error.code === 'ERR_IOLITE_TIMEOUT') throw error;
    throw earlyEndError('thread', end(), fileOf(module));
  }
  return { channel, thread };
}

/** @param sockets what the thread is to take up: of messages, and of descriptors */
function startWorker(
  module: string | URL,
  args: readonly string[],
  options: ThreadOptions,
  sockets: readonly [messages: number, descriptors: number],
): Worker {
  const { workerData: data = {}, env = process.env, execArgv, resourceLimits, name } = options;
  return new Worker(urlOf(module), {
    argv: [...args],
    env: { ...env },
    workerData: { ...data, [SOCKETS_KEY]: sockets, [LEDGER_KEY]: sharedLedger() },
    ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
    ...(resourceLimits === undefined ? {} : { resourceLimits }),
    ...(name === undefined ? {} : { name }),
  });
}

/**
 * Keeps an error that a thread throws from being one of ours: it shows as the end of its channel, after what
 * it had sent.
 * @returns how it ended, by now
 */
function watchEnd(thread: Worker): () => string {
  let end = 'ended';
  thread.on('error', cause => {
    end = `failed (${cause instanceof Error ? cause.message : describe(cause)})`;
  });
  thread.once('exit', code => {
    if (end === 'ended') end = `ended with code ${code}`;
  });
  return () => end;
}

/** Closes and unmaps what a thread that has ended left behind. */
function reclaim(thread: number): void {
  const { descriptors, mappings } = takeHoldings(thread);
  for (const fd of descriptors) closeDescriptor(fd);
  for (const { address, length } of mappings) unmapLeft(address, length);
}

/** Undefined for what is no file, as a `data:` URL. */
function fileOf(module: string | URL): string | undefined {
  const url = urlOf(module);
  return url.protocol === 'file:' ? fileURLToPath(url) : undefined;
}

function urlOf(module: string | URL): URL {
  if (module instanceof URL) return module;
  return module.startsWith('file:') ? pathToFileURL(fileURLToPath(module)) : pathToFileURL(module);
}

/** The two sockets that the thread we run in was given, if it was started by spawnThread(). */
export function threadSockets(): readonly [messages: number, descriptors: number] | undefined {
  return workerData?.[SOCKETS_KEY];
}
