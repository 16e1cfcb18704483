import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { openUnixListener, type SocketFileOptions } from '../../../os/listen/unix-listener.ts';
import { unixPathOf } from '../../../os/unix-address.ts';
import { UserError } from '../../user-error.ts';
import type { ListeningPlace } from './listening-places.ts';

/** A Unix socket as settings name it: `unix:` and a path, or that with who may connect. */
export type UnixSetting =
  | string
  | {
      readonly path: string;
      readonly mode?: string | undefined;
      readonly user?: string | number | undefined;
      readonly group?: string | number | undefined;
    };

/** The same setting with its path absolute. @param folder that it is relative to */
export function withAbsolutePath(setting: UnixSetting, folder: string): UnixSetting {
  const absolute = (path: string): string => (path.startsWith('@') ? path : resolve(folder, path));
  if (typeof setting === 'string') return `unix:${absolute(unixPathOf(setting) ?? '')}`;
  return { ...setting, path: absolute(setting.path) };
}

/** Opens one socket that all workers share. @throws UserError */
export async function openUnixPlace(setting: UnixSetting): Promise<ListeningPlace> {
  const { path, mode, user, group } =
    typeof setting === 'string' ? { path: unixPathOf(setting) ?? '' } : setting;
  const options: SocketFileOptions = {
    mode: mode === undefined ? undefined : Number.parseInt(mode, 8),
    uid: idOf(user, '/etc/passwd', 'user'),
    gid: idOf(group, '/etc/group', 'group'),
  };
  const { fd, unlink } = await listenAt(path, options);
  return { role: 'site', fds: [fd], at: `unix:${path}`, port: undefined, leave: unlink };
}

/** @throws UserError */
async function listenAt(
  path: string,
  options?: SocketFileOptions,
): Promise<Awaited<ReturnType<typeof openUnixListener>>> {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'another listens there, or it is a file of another kind',
    EACCES: 'there is no permission to make a socket there',
    ENOENT: 'there is no such directory',
    EPERM: 'there is no permission to give it to that user or group',
    ENAMETOOLONG: 'the path has more than 107 bytes',
  };
  try {
    return await openUnixListener(path, options);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new UserError(`Cannot listen on unix:${path}: ${reasons[code] ?? message}`);
  }
}

/** A number as it is, and that of a name in a file of the system's. @throws UserError */
function idOf(named: string | number | undefined, file: string, what: 'user' | 'group'): number | undefined {
  if (named === undefined || typeof named === 'number') return named;
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .find(each => each.startsWith(`${named}:`));
  if (line === undefined) throw new UserError(`Cannot listen: there is no ${what} ${named}`);
  return Number(line.split(':')[2]);
}
