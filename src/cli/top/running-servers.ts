import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Channel } from '../../ipc/channel.ts';
import { connect } from '../../ipc/meet/connect.ts';
import { ownFolder } from '../../ipc/meet/own-folder.ts';
import type { InspectorStatus } from '../serve/inspect/inspector-status.ts';
import { WATCH_PREFIX, WATCH_REQUEST } from '../serve/inspect/watch-socket.ts';
import { UserError } from '../user-error.ts';

/** Where the status of a server comes from. */
export interface StatusSource extends Disposable {
  /** @throws UserError when it cannot be had any more */
  read(): Promise<InspectorStatus>;
}

/** A socket of a server, and the process that made it, by its name. */
interface WatchSocket {
  readonly pid: number;
  readonly path: string;
}

const NAME = new RegExp(`^${WATCH_PREFIX}(\\d+)-`);
/** In which a server greets us: its primary is seldom busy. */
const PATIENCE_MS = 5000;
/** In which it answers: on a busy machine a look at all its processes takes long, and who waits can go. */
const READING_MS = 60_000;

/**
 * Connects to `iolite serve` of this user on this machine.
 * @param pid of its primary. Default: the only one that runs
 * @throws UserError when there is none, or several and nobody says which
 */
export async function connectToServer(pid?: number): Promise<StatusSource> {
  const sockets = watchSockets().filter(each => pid === undefined || each.pid === pid);
  const open = (await Promise.all(sockets.map(tryConnect))).flatMap(each => each ?? []);
  const [first, ...others] = open;
  if (first !== undefined && others.length === 0) return sourceOf(first);
  for (const channel of open) channel.destroy();
  if (first !== undefined) {
    const pids = open.map(({ peer }) => peer.pid).sort((a, b) => a - b);
    throw new UserError(`Cannot choose a server: one of ${pids.join(', ')} is wanted`);
  }
  const which = pid === undefined ? '' : ` with the process id ${pid}`;
  throw new UserError(`Cannot find a server: no iolite serve${which} of this user runs here`);
}

function watchSockets(): WatchSocket[] {
  const folder = ownFolder();
  if (folder === undefined) return [];
  return readdirSync(folder).flatMap(name => {
    const pid = NAME.exec(name)?.[1];
    return pid === undefined ? [] : [{ pid: Number(pid), path: join(folder, name) }];
  });
}

/** Undefined where nobody listens any more. Whoever listens is of our user, or root: see {@link connect}. */
async function tryConnect({ path }: WatchSocket): Promise<Channel | undefined> {
  try {
    return await connect(path, { timeout: PATIENCE_MS });
  } catch {
    return undefined;
  }
}

function sourceOf(channel: Channel): StatusSource {
  return {
    async read() {
      try {
        const { body } = await channel.request({ head: { type: WATCH_REQUEST } }, { timeout: READING_MS });
        using text = body;
        return JSON.parse(String(text)) as InspectorStatus;
      } catch (error) {
        throw new UserError(`The server does not answer any more: ${(error as Error).message}`);
      }
    },
    [Symbol.dispose]: () => channel.destroy(),
  };
}
