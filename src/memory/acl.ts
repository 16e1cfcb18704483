import { ArgumentError, BoundsError, checkInteger, describe } from '../base/error.ts';

/** Credentials of a process as the kernel attests them (SO_PEERCRED, unix(7)), never as it claims them. */
export interface Credentials {
  /** The number of its process. */
  readonly pid: number;
  /** The number of its user. */
  readonly uid: number;
  /** The number of its group. */
  readonly gid: number;
}

/** Access control list of a pool: the domains that may be given its buffers. */
export type Acl =
  | 'everyone'
  | {
      /** Processes of these users. */
      readonly uids?: readonly number[];
      /** Processes of these groups. */
      readonly gids?: readonly number[];
      /** These processes. */
      readonly pids?: readonly number[];
      /** The domains at the other end of these channels, named by their process id. */
      readonly peers?: readonly { readonly peer: Credentials }[];
    };

/** An ACL as it goes with the buffers to every domain that gets them: numbers only. */
export type AccessList =
  | 'everyone'
  | {
      readonly uids: readonly number[];
      readonly gids: readonly number[];
      readonly pids: readonly number[];
    };

/** Most users, groups and processes that an ACL of a pool can name. */
export const MAX_ACL_ENTRIES = 1000;

/** Any domain may be given the buffers. */
export const everyone: Acl = 'everyone';

/** Throws `ERR_IOLITE_ARGUMENT` unless `acl` is one. */
export function checkAcl(acl: unknown): asserts acl is Acl {
  if (acl === 'everyone') return;
  const isObject = typeof acl === 'object' && acl !== null;
  if (!isObject)
    throw new ArgumentError(`Cannot use acl: everyone or an object is wanted, ${describe(acl)} was given`);
  for (const [key, list] of Object.entries(acl)) {
    if (!['uids', 'gids', 'pids', 'peers'].includes(key)) {
      throw new ArgumentError(`Cannot use acl: ${key} is none of uids, gids, pids, peers`);
    }
    if (list === undefined) continue;
    if (!Array.isArray(list)) {
      throw new ArgumentError(`Cannot use acl: an array is wanted for ${key}, ${describe(list)} was given`);
    }
    for (const entry of list) checkInteger(key === 'peers' ? entry?.peer?.pid : entry, key, 0, 0xffff_ffff);
  }
}

/**
 * What an ACL says now, in numbers: the peers' process ids, and our own user id where it says nothing. The
 * process that it belongs to is always in it: what others forward may come back.
 * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE when it has more than 1000 entries
 */
export function resolveAcl(acl: Acl | undefined): AccessList {
  if (acl === undefined) return { uids: [process.geteuid?.() ?? 0], gids: [], pids: [process.pid] };
  checkAcl(acl);
  if (acl === 'everyone') return acl;
  const { uids = [], gids = [], pids = [], peers = [] } = acl;
  const resolved = {
    uids: [...uids],
    gids: [...gids],
    pids: [...pids, ...peers.map(({ peer }) => peer.pid)],
  };
  if (!resolved.pids.includes(process.pid)) resolved.pids.push(process.pid);
  const count = resolved.uids.length + resolved.gids.length + resolved.pids.length;
  if (count > MAX_ACL_ENTRIES) {
    throw new BoundsError(
      `Cannot use acl: at most ${MAX_ACL_ENTRIES} entries are wanted, ${count} were given`,
    );
  }
  return resolved;
}

/** Whether `acl` admits `peer`; without an ACL, whether the peer runs under our own user id. */
export function admits(acl: Acl | undefined, peer: Credentials): boolean {
  if (acl === undefined) return peer.uid === process.geteuid?.();
  if (acl === 'everyone') return true;
  return (
    (acl.uids?.includes(peer.uid) ?? false) ||
    (acl.gids?.includes(peer.gid) ?? false) ||
    (acl.pids?.includes(peer.pid) ?? false) ||
    (acl.peers?.some(channel => channel.peer.pid === peer.pid) ?? false)
  );
}
