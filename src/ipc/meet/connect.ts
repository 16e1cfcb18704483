import { setTimeout } from 'node:timers/promises';
import { checkInteger, IoliteError } from '../../base/error.ts';
import { type Acl, admits, type Credentials, checkAcl } from '../../memory/acl.ts';
import { closeDescriptor } from '../../os/descriptor.ts';
import { peerCredentials } from '../../os/socket.ts';
import { connectUnix } from '../../os/unix-connect.ts';
import { Channel } from '../channel.ts';
import { type ChannelOptions, checkChannelOptions } from '../channel-options.ts';
import { checkEndpointPath, newToken, rendezvousName } from './rendezvous.ts';

/** How to connect, and what is accepted from the peer. */
export interface ConnectOptions extends ChannelOptions {
  /**
   * Whose endpoint it may be, by what the kernel says of the process that listens, before anything is sent to
   * it: anybody may have taken an abstract name. Default: processes of our user id, and of root.
   */
  readonly acl?: Acl;
  /** Ends the attempt, with its reason. */
  readonly signal?: AbortSignal;
  /** Milliseconds in which the endpoint has to greet us. Default 10,000. */
  readonly timeout?: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;
/** Between attempts at an endpoint with a full queue: the first pause and the longest. */
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/**
 * Connects to an endpoint that another process listens on.
 * @param path in the file system, or '@' and an abstract name. './@name' is a path.
 * @returns the channel, once the endpoint has greeted us
 * @throws SystemError when nobody listens there (ENOENT, ECONNREFUSED) or we may not (EACCES);
 *   ERR_IOLITE_ACCESS when the endpoint's ACL excludes us, or ours it, ERR_IOLITE_LIMIT when it is full;
 *   ERR_IOLITE_PEER when it is gone or does not greet in time; ERR_IOLITE_PROTOCOL when it is something else;
 *   ERR_IOLITE_ARGUMENT; the signal's reason. Leaves nothing open then.
 */
export async function connect(path: string, options: ConnectOptions = {}): Promise<Channel> {
  const { signal, timeout = DEFAULT_TIMEOUT_MS, acl, ...accepted } = options;
  checkEndpointPath(path, 'Cannot connect');
  if (acl !== undefined) checkAcl(acl);
  checkChannelOptions(accepted);
  checkInteger(timeout, 'timeout', 1, 2 ** 31 - 1);
  signal?.throwIfAborted();
  const deadline = performance.now() + timeout;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    const channel = tryConnect(path, accepted, acl);
    if (channel !== undefined) {
      await waitForGreeting(channel, path, deadline, signal);
      return channel;
    }
    if (performance.now() > deadline) throw silentEndpointError(path);
    await setTimeout(pause, undefined, signal === undefined ? {} : { signal }).catch(() => {
      throw signal?.reason;
    });
  }
}

/**
 * One attempt to connect, without waiting: the endpoint has not greeted us yet.
 * @param acl whose endpoint it may be. Default: our user's, or root's
 * @returns undefined while the endpoint's queue is full
 * @throws SystemError; ERR_IOLITE_ACCESS
 */
export function tryConnect(path: string, accepted: ChannelOptions, acl?: Acl): Channel | undefined {
  const token = newToken();
  let descriptors: number | undefined;
  let messages: number | undefined;
  try {
    descriptors = connectUnix(path, rendezvousName('d', token));
    if (descriptors === undefined) return undefined;
    checkListener(path, peerCredentials(descriptors), acl);
    messages = connectUnix(path, rendezvousName('m', token));
    if (messages === undefined) return undefined;
    const peer = peerCredentials(messages);
    // Between the two another process may have taken the name.
    checkListener(path, peer, acl);
    const channel = new Channel({ messages, descriptors }, peer, accepted);
    [messages, descriptors] = [undefined, undefined];
    return channel;
  } finally {
    for (const fd of [messages, descriptors]) if (fd !== undefined) closeDescriptor(fd);
  }
}

function checkListener(path: string, peer: Credentials, acl: Acl | undefined): void {
  if (admits(acl ?? { uids: [process.geteuid?.() ?? 0, 0] }, peer)) return;
  throw new IoliteError(
    'ERR_IOLITE_ACCESS',
    `Cannot connect to ${path}: its owner, process ${peer.pid} of user ${peer.uid}, is not in the acl`,
  );
}

/** Waits for the endpoint's HELLO. Ends the channel if it does not come. */
async function waitForGreeting(
  channel: Channel,
  path: string,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const abort = (): void => channel.destroy(signal?.reason);
  const timer = globalThis.setTimeout(
    () => channel.destroy(silentEndpointError(path)),
    deadline - performance.now(),
  );
  if (signal?.aborted) abort();
  else signal?.addEventListener('abort', abort, { once: true });
  try {
    await channel.ready();
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

function silentEndpointError(path: string): IoliteError {
  return new IoliteError('ERR_IOLITE_PEER', `Cannot connect to ${path}: the endpoint did not greet in time`);
}
