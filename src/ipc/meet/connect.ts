import { setTimeout } from 'node:timers/promises';
import { checkInteger, IoliteError } from '../../base/error.ts';
import { closeDescriptor } from '../../os/descriptor.ts';
import { peerCredentials, sendDescriptor, socketPair } from '../../os/socket.ts';
import { connectUnix } from '../../os/unix-connect.ts';
import { Channel } from '../channel.ts';
import { type ChannelOptions, checkChannelOptions } from '../channel-options.ts';
import { checkEndpointPath, DESCRIPTOR_NOTE, newToken, rendezvousName } from './rendezvous.ts';

/** How to connect, and what is accepted from the peer. */
export interface ConnectOptions extends ChannelOptions {
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
 *   ERR_IOLITE_ACCESS when the endpoint's ACL excludes us, ERR_IOLITE_LIMIT when it is full; ERR_IOLITE_PEER
 *   when it is gone or does not greet in time; ERR_IOLITE_PROTOCOL when it is something else;
 *   ERR_IOLITE_ARGUMENT; the signal's reason. Leaves nothing open then.
 */
export async function connect(path: string, options: ConnectOptions = {}): Promise<Channel> {
  const { signal, timeout = DEFAULT_TIMEOUT_MS, ...accepted } = options;
  checkEndpointPath(path, 'Cannot connect');
  checkChannelOptions(accepted);
  checkInteger(timeout, 'timeout', 1, 2 ** 31 - 1);
  signal?.throwIfAborted();
  const deadline = performance.now() + timeout;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    const channel = tryConnect(path, accepted);
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
 * @returns undefined while the endpoint's queue is full
 * @throws SystemError
 */
export function tryConnect(path: string, accepted: ChannelOptions): Channel | undefined {
  const token = newToken();
  const [ours, theirs] = socketPair('seqpacket');
  let carrier: number | undefined;
  let messages: number | undefined;
  try {
    carrier = connectUnix(path, rendezvousName('d', token));
    if (carrier === undefined || !carry(carrier, theirs)) return undefined;
    messages = connectUnix(path, rendezvousName('m', token));
    if (messages === undefined) return undefined;
    return new Channel({ messages, descriptors: ours }, peerCredentials(messages), accepted);
  } finally {
    if (messages === undefined) closeDescriptor(ours);
    closeDescriptor(theirs);
    if (carrier !== undefined) closeDescriptor(carrier);
  }
}

/**
 * Sends the far end of the descriptor socket. A socket that was just connected has room; what was sent stays
 * there when it is closed. An endpoint that refuses us may have closed it already: our second
 * connection is told why.
 */
function carry(carrier: number, fd: number): boolean {
  try {
    return sendDescriptor(carrier, DESCRIPTOR_NOTE, fd);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EPIPE' || code === 'ECONNRESET') return true;
    throw error;
  }
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
