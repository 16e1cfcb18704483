import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { ArgumentError, checkOptionNames, describe, IoliteError, optionNames } from '../../base/error.ts';
import type { FileAccess } from '../../os/confine/landlock.ts';
import { closeDescriptor, closeOnExec } from '../../os/descriptor.ts';
import { peerCredentials, socketInode, socketPair } from '../../os/socket.ts';
import { Channel } from '../channel.ts';
import { type ChannelOptions, checkChannelOptions } from '../channel-options.ts';
import { launcherUrl, withConfinement } from './confined.ts';
import { tryConnect } from './connect.ts';
import { inheritedOptions } from './inherited-options.ts';
import { checkTimeout, describeEnd, earlyEndError, endOfProcess, takenUp } from './peer-end.ts';
import { threadSockets } from './thread.ts';

/** How a child is started, and what the parent accepts from it. */
export interface ForkOptions {
  /** Environment of the child. Default: ours. */
  readonly env?: NodeJS.ProcessEnv;
  /** Options for node itself. Default: those of this process, but for a program (`-e`, `-p`). */
  readonly execArgv?: readonly string[];
  /** The child's standard streams. Default 'inherit'. */
  readonly stdio?: 'inherit' | 'ignore' | 'pipe';
  /** Where it runs. Default: where this process does. */
  readonly cwd?: string;
  /** Run the child as another user or group; needs the privilege to. */
  readonly uid?: number;
  /** The group that it runs as. */
  readonly gid?: number;
  /** Milliseconds that the child has to take up its channel, after which it is killed. Default 60,000. */
  readonly timeout?: number;
  /** Kills the child and ends the waiting for it when aborted. */
  readonly signal?: AbortSignal;
  /** Descriptors the child inherits, for {@link inheritedDescriptors} there. They stay open here. */
  readonly descriptors?: readonly number[];
  /**
   * The only files that the child may open, besides those that it inherits, from before its first line: where
   * the kernel has Landlock (Linux 5.13), else all. Among them are those of Node.js and its modules, which
   * the caller names: see {@link programFiles}. The child takes 50 ms longer to start.
   */
  readonly files?: FileAccess;
  /** Of the channel on this side. */
  readonly channel?: ChannelOptions;
}

const NAMES = optionNames<ForkOptions>({
  env: true,
  execArgv: true,
  stdio: true,
  cwd: true,
  uid: true,
  gid: true,
  timeout: true,
  signal: true,
  descriptors: true,
  files: true,
  channel: true,
});

/** A child process and the channel to it. */
export interface Forked {
  /** To it. It closes when the other side ends. */
  readonly channel: Channel;
  /** As child_process.spawn() has made it. */
  readonly process: ChildProcess;
}

/**
 * Names the child's inherited sockets: two numbers, then those of `descriptors`. Or an endpoint: its path.
 */
export const CHANNEL_VARIABLE = 'IOLITE_CHANNEL';
/** Of those that a child inherits, behind its standard streams. */
const FIRST_INHERITED_FD = 3;

/**
 * Starts a Node.js process that runs `module`, connected by a channel. The child calls parentChannel().
 * @param module a path or file URL
 * @throws ERR_IOLITE_PEER when the child ends before it took up its channel, as one does whose file is not
 *   there; ERR_IOLITE_TIMEOUT when it takes too long; SystemError; ERR_IOLITE_UNSUPPORTED
 */
export async function fork(
  module: string | URL,
  args: readonly string[] = [],
  options: ForkOptions = {},
): Promise<Forked> {
  if (typeof module !== 'string' && !(module instanceof URL)) {
    throw new ArgumentError(`Cannot fork: a path or URL is wanted, ${describe(module)} was given`);
  }
  checkOptionNames(options, NAMES, 'fork');
  const { descriptors = [], execArgv = inheritedOptions(), stdio = 'inherit', env = process.env } = options;
  checkChannelOptions(options.channel);
  checkTimeout(options.timeout);
  const path = module instanceof URL || module.startsWith('file:') ? fileURLToPath(module) : module;
  const [ourMessages, theirMessages] = socketPair('stream');
  const [ourDescriptors, theirDescriptors] = socketPair('seqpacket');
  const inherited = [theirMessages, theirDescriptors, ...descriptors];
  const numbers = inherited.map((_, position) => FIRST_INHERITED_FD + position);
  const { files } = options;
  const told = { ...env, [CHANNEL_VARIABLE]: numbers.join(',') };
  const launcher = files === undefined ? [] : [fileURLToPath(launcherUrl())];
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [...execArgv, ...launcher, path, ...args], {
      env: files === undefined ? told : withConfinement(told, { ...files, descriptors: numbers }),
      stdio: [stdio, stdio, stdio, ...inherited] as StdioOptions,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } catch (error) {
    closeDescriptor(ourMessages);
    closeDescriptor(ourDescriptors);
    throw error;
  } finally {
    closeDescriptor(theirMessages);
    closeDescriptor(theirDescriptors);
  }
  const peer = {
    pid: child.pid ?? -1,
    uid: options.uid ?? (process.getuid?.() as number),
    gid: options.gid ?? (process.getgid?.() as number),
  };
  const channel = new Channel({ messages: ourMessages, descriptors: ourDescriptors }, peer, options.channel);
  channel.endsWith(endOfProcess(child));
  await waitForGreeting(child, channel, path, options);
  return { channel, process: child };
}

/** Waits until the child has taken up its channel. */
async function waitForGreeting(
  child: ChildProcess,
  channel: Channel,
  path: string,
  { timeout, cwd }: ForkOptions,
): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  const exited = once(child, 'exit', { signal }).then(([exitCode, killedBy]) => {
    throw earlyEndError('child', describeEnd({ exitCode, signal: killedBy }), path, cwd);
  });
  const greeted = channel.ready().catch(async error => {
    // A child that ends closes its channel first: say how it ended, which tells more.
    await exited;
    throw error;
  });
  try {
    const first = Promise.race([greeted, exited]);
    await takenUp(first, `child (${path})`, { timeout, end: () => child.kill('SIGKILL') });
  } catch (error) {
    channel.destroy();
    throw error;
  } finally {
    exited.catch(() => {});
    greeted.catch(() => {});
    controller.abort();
  }
  // An 'error' later on, such as a kill that failed, shows as the channel's end.
  child.on('error', () => {});
}

/** What whoever started us has passed to us. */
interface Inheritance {
  readonly channel: Channel;
  readonly descriptors: readonly number[];
}

let inheritance: Inheritance | undefined;

/**
 * The channel to whoever started us: the process that forked this one, or the thread that spawned this one.
 * Every call returns the same channel.
 * @param options only the first call's count
 * @throws ERR_IOLITE_CLOSED when it was not fork(), forkWorker() or spawnThread() that started us
 */
export function parentChannel(options?: ChannelOptions): Channel {
  return takeUp(options).channel;
}

/** The descriptors that fork() was told to pass on, in the same order. The caller closes them. */
export function inheritedDescriptors(): readonly number[] {
  return takeUp().descriptors;
}

function takeUp(options?: ChannelOptions): Inheritance {
  checkChannelOptions(options);
  inheritance ??= isMainThread
    ? readEnvironment(options)
    : openInherited([...(threadSockets() ?? [])], options);
  return inheritance;
}

/** What fork() and forkWorker() say: numbers of descriptors, or the path of an endpoint. */
function readEnvironment(options?: ChannelOptions): Inheritance {
  const { [CHANNEL_VARIABLE]: value = '' } = process.env;
  delete process.env[CHANNEL_VARIABLE];
  if (!value.startsWith('/')) return openInherited(value.split(',').map(Number), options);
  const channel = tryConnect(value, options ?? {});
  if (channel === undefined) throw noParentError();
  return { channel, descriptors: [] };
}

function openInherited(numbers: number[], options?: ChannelOptions): Inheritance {
  const [messages, descriptors, ...others] = numbers;
  if (messages === undefined || descriptors === undefined) throw noParentError();
  if (socketInode(messages) === undefined || socketInode(descriptors) === undefined) throw noParentError();
  for (const fd of numbers) closeOnExec(fd);
  const channel = new Channel({ messages, descriptors }, peerCredentials(messages), options);
  return { channel, descriptors: others };
}

function noParentError(): IoliteError {
  return new IoliteError(
    'ERR_IOLITE_CLOSED',
    'Cannot open channel to the parent: it was not fork(), forkWorker() or spawnThread() that started us',
  );
}
