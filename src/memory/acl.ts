import { ArgumentError, describe } from '../os/error.ts';

/** Credentials of a process as the kernel attests them (SO_PEERCRED, unix(7)), never as it claims them. */
export interface Credentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Access control list of a pool: the domains that may be given its buffers. */
export type Acl =
  | 'everyone'
  | {
      readonly uids?: readonly number[];
      readonly gids?: readonly number[];
      readonly pids?: readonly number[];
      /** The domains at the other end of these channels, named by their process id. */
      readonly peers?: readonly { readonly peer: Credentials }[];
    };

/** Any domain may be given the buffers. */
export const everyone: Acl = 'everyone';

/** Throws `ERR_IOLITE_ARGUMENT` unless `acl` is one. */
export function checkAcl(acl: unknown): asserts acl is Acl {
  if (acl === 'everyone') return;
  const isObject = typeof acl === 'object' && acl !== null;
  if (!isObject)
    throw new ArgumentError(`Cannot use acl: everyone or an object is wanted, ${describe(acl)} was given`);
  const known = new Set(['uids', 'gids', 'pids', 'peers']);
  for (const [key, list] of Object.entries(acl)) {
    if (!known.has(key)) throw new ArgumentError(`Cannot use acl: ${key} is none of uids, gids, pids, peers`);
    if (list !== undefined && !Array.isArray(list)) {
      throw new ArgumentError(`Cannot use acl: an array is wanted for ${key}, ${describe(list)} was given`);
    }
  }
}

/** Whether `acl` admits `peer`; without an ACL, whether the peer runs under our own user id. */
export function admits(acl: Acl | undefined, peer: Credentials): boolean {
  if (acl === undefined) return peer.uid === process.getuid?.();
  if (acl === 'everyone') return true;
  return (
    (acl.uids?.includes(peer.uid) ?? false) ||
    (acl.gids?.includes(peer.gid) ?? false) ||
    (acl.pids?.includes(peer.pid) ?? false) ||
    (acl.peers?.some(channel => channel.peer.pid === peer.pid) ?? false)
  );
}
