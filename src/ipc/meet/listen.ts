import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { checkInteger, checkOptionNames, optionNames, systemError } from '../../base/error.ts';
import { checkAcl } from '../../memory/acl.ts';
import { libc } from '../../os/libc.ts';
import { giveSocketFile } from '../../os/listen/socket-file.ts';
import { lockFolder, removeAbandoned } from '../../os/listen/unix-listener.ts';
import { nodePath } from '../../os/unix-address.ts';
import { checkChannelOptions } from '../channel-options.ts';
import { Endpoint, type EndpointOptions } from './endpoint.ts';
import { checkEndpointPath } from './rendezvous.ts';

/** How to listen. */
export interface ListenOptions extends EndpointOptions {
  /**
   * Permissions of the socket file: who may connect to it at all. Default 0o600. Apart from them the ACL
   * counts: for 'everyone' both have to be opened. Abstract names have no permissions.
   */
  readonly mode?: number;
  /** Ends the attempt, with its reason; aborted later it closes the endpoint. */
  readonly signal?: AbortSignal;
}

const NAMES = optionNames<ListenOptions>({
  acl: true,
  maxChannels: true,
  greetingTimeout: true,
  channel: true,
  mode: true,
  signal: true,
});

/**
 * Listens for channels of other processes.
 *
 * A socket file whose owner is dead is replaced, under a lock of its folder, so that of several that try
 * one gets it. One that somebody listens on, and a file that is no socket, are left alone.
 * @param path in the file system, or '@' and an abstract name, which goes with the endpoint and is known in
 *   our network namespace only. './@name' is a path.
 * @throws SystemError: EADDRINUSE, ENOENT, ENOTDIR, EACCES, ENAMETOOLONG; ERR_IOLITE_ARGUMENT,
 *   ERR_IOLITE_UNSUPPORTED; the signal's reason
 */
export async function listen(path: string, options: ListenOptions = {}): Promise<Endpoint> {
  const { mode = 0o600, signal, ...accepted } = options;
  checkEndpointPath(path, 'Cannot listen');
  checkOptionNames(options, NAMES, 'listen');
  checkInteger(mode, 'mode', 0, 0o777);
  if (accepted.acl !== undefined) checkAcl(accepted.acl);
  if (accepted.channel !== undefined) checkChannelOptions(accepted.channel);
  libc();
  const address = nodePath(path);
  signal?.throwIfAborted();
  const server = path.startsWith('@')
    ? await open(address, path, undefined)
    : await openFile(path, mode, signal);
  let endpoint: Endpoint;
  try {
    signal?.throwIfAborted();
    endpoint = new Endpoint(server, path, accepted);
  } catch (error) {
    server.close();
    throw error;
  }
  const abort = (): void => void endpoint.close();
  signal?.addEventListener('abort', abort, { once: true });
  endpoint.once('close', () => signal?.removeEventListener('abort', abort));
  return endpoint;
}

/** Listens on a socket file, replacing one that nobody listens on. */
async function openFile(path: string, mode: number, signal: AbortSignal | undefined): Promise<Server> {
  const unlock = await lockFolder(path, signal);
  try {
    removeAbandoned(path);
    return await open(path, path, mode);
  } finally {
    unlock();
  }
}

async function open(address: string, path: string, mode: number | undefined): Promise<Server> {
  // Nothing is read of a connection before it is known who is there and what it is for.
  const server = createServer({ pauseOnConnect: true });
  const listening = once(server, 'listening');
  // In a cluster's worker too the socket is this process's own.
  server.listen({ path: address, exclusive: true });
  try {
    await listening;
    if (mode !== undefined) giveSocketFile(path, { mode });
    return server;
  } catch (error) {
    server.close();
    throw systemError(error, `Cannot listen on ${path}`);
  }
}
