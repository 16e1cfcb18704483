import type { ListenOptions, Server } from 'node:net';
import { checkInteger, systemError } from '../../base/error.ts';
import { unsupportedReason } from '../../os/libc.ts';
import { giveSocketFile } from '../../os/listen/socket-file.ts';
import { lockFolder, removeAbandoned } from '../../os/listen/unix-listener.ts';
import { nodePath } from '../../os/unix-address.ts';
import type { UnixAddress } from './listener.ts';

const DEFAULT_MODE = 0o660;

/** Has a server of Node's listen. @throws SystemError */
export async function listenOn(
  server: Server,
  address: ListenOptions | { readonly fd: number },
  backlog: number,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const failed = (cause: Error): void => reject(systemError(cause, `Cannot listen${placeOf(address)}`));
    server.once('error', failed);
    server.listen(address, backlog, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

/** Where that is, for people. */
function placeOf(address: ListenOptions | { readonly fd: number }): string {
  if ('fd' in address) return ` on descriptor ${address.fd}`;
  const { path, host, port } = address as ListenOptions;
  if (path !== undefined) return ` on ${path.replace(/^\0/, '@')}`;
  return host === undefined ? ` on port ${port}` : ` on ${host} port ${port}`;
}

/**
 * The same on a Unix socket, whose file Node.js removes with the server. In workers of a cluster they share
 * it, as node:http has it. A file that nobody listens on is replaced, where libc can be called.
 * @throws SystemError, EADDRINUSE for one; ERR_IOLITE_RANGE
 */
export async function listenOnPath(
  server: Server,
  { path, mode = DEFAULT_MODE }: UnixAddress,
  backlog: number,
): Promise<void> {
  checkInteger(mode, 'mode', 0, 0o777);
  if (path.startsWith('@')) return listenOn(server, { path: nodePath(path) }, backlog);
  const unlock = unsupportedReason() === undefined ? await lockFolder(path) : undefined;
  try {
    try {
      await listenOn(server, { path }, backlog);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || unlock === undefined) throw error;
      removeAbandoned(path);
      await listenOn(server, { path }, backlog);
    }
    giveUnlessLost(server, path, mode);
  } finally {
    unlock?.();
  }
}

/** @throws SystemError, with the server closed: nobody finds it by its path */
function giveUnlessLost(server: Server, path: string, mode: number): void {
  try {
    giveSocketFile(path, { mode });
  } catch (error) {
    server.close();
    throw error;
  }
}
