import { builtins } from '../base/builtins.ts';
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
      /**
       * Machines of a cluster that links may bring the bytes to, by their names. With these alone, processes
       * of our own user are admitted here. Default: none, where users, groups or processes are named.
       */
      readonly machines?: readonly string[];
    };

/**
 * An ACL as it goes with the buffers to every domain that gets them: numbers only, machines among those of
 * processes.
 */
export type AccessList =
  | 'everyone'
  | {
      readonly uids: readonly number[];
      readonly gids: readonly number[];
      readonly pids: readonly number[];
    };

/**
 * To which other machines bytes may go, as an ACL says it in numbers: among its processes, by numbers that
 * no process has. So it goes with each chunk as the rest does, and who does not know of it admits nobody by
 * it. A machine is four numbers, 124 bits of the SHA-256 of its name.
 */
const NO_PROCESS = 0x8000_0000;
const MACHINE_WORDS = 4;

/** Any machine, where it is the only such number: what an ACL says that was not given. */
export const ANY_MACHINE = 0xffff_ffff;

/** The numbers of machines. */
function numbersOfMachines(names: readonly string[]): number[] {
  return names.flatMap(name => {
    const digest = builtins.crypto.createHash('sha256').update(name).digest();
    return Array.from({ length: MACHINE_WORDS }, (_, i) => (digest.readUInt32LE(4 * i) | NO_PROCESS) >>> 0);
  });
}

/** Whether it is the number of a process, and not part of what is said of machines. */
export function isProcess(number: number): boolean {
  return number < NO_PROCESS;
}

/** Whether bytes may go to a machine. @param pids of their ACL */
function namesMachine(pids: readonly number[], name: string): boolean {
  const words = pids.filter(number => !isProcess(number));
  if (words.length === 1) return words[0] === ANY_MACHINE;
  const wanted = numbersOfMachines([name]);
  for (let at = 0; at + MACHINE_WORDS <= words.length; at += MACHINE_WORDS) {
    if (wanted.every((word, i) => word === words[at + i])) return true;
  }
  return false;
}

/** Most users, groups and processes that an ACL of a pool can name. */
export const MAX_ACL_ENTRIES = 1000;

/** Any domain may be given the buffers. */
export const everyone: Acl = 'everyone';

const KEYS = ['uids', 'gids', 'pids', 'peers', 'machines'];
const MAX_MACHINE_CHARACTERS = 128;

/** Throws `ERR_IOLITE_ARGUMENT` unless `acl` is one. */
export function checkAcl(acl: unknown): asserts acl is Acl {
  if (acl === 'everyone') return;
  const isObject = typeof acl === 'object' && acl !== null;
  if (!isObject)
    throw new ArgumentError(`Cannot use acl: everyone or an object is wanted, ${describe(acl)} was given`);
  for (const [key, list] of Object.entries(acl)) {
    if (!KEYS.includes(key)) {
      throw new ArgumentError(`Cannot use acl: ${key} is none of ${KEYS.join(', ')}`);
    }
    if (list === undefined) continue;
    if (!Array.isArray(list)) {
      throw new ArgumentError(`Cannot use acl: an array is wanted for ${key}, ${describe(list)} was given`);
    }
    for (const entry of list) {
      if (key === 'machines') checkMachine(entry);
      else checkInteger(key === 'peers' ? entry?.peer?.pid : entry, key, 0, 0xffff_ffff);
    }
  }
}

function checkMachine(name: unknown): void {
  if (typeof name === 'string' && name.length > 0 && name.length <= MAX_MACHINE_CHARACTERS) return;
  throw new ArgumentError(
    `Cannot use acl: names of 1 to ${MAX_MACHINE_CHARACTERS} characters are wanted for machines, ` +
      `${describe(name)} was given`,
  );
}

/**
 * What an ACL says now, in numbers: the peers' process ids, and our own user id where it says nothing. The
 * process that it belongs to is always in it: what others forward may come back.
 * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE when it has more than 1000 entries
 */
export function resolveAcl(acl: Acl | undefined): AccessList {
  const own = [process.geteuid?.() ?? 0];
  if (acl === undefined) return { uids: own, gids: [], pids: [process.pid, ANY_MACHINE] };
  checkAcl(acl);
  if (acl === 'everyone') return acl;
  const { gids = [], pids = [], peers = [], machines = [] } = acl;
  const isOfMachines = machines.length > 0 && [acl.uids, acl.gids, acl.pids, acl.peers].every(isUndefined);
  const { uids = isOfMachines ? own : [] } = acl;
  const resolved = {
    uids: [...uids],
    gids: [...gids],
    pids: [...pids, ...peers.map(({ peer }) => peer.pid)],
  };
  if (!resolved.pids.includes(process.pid)) resolved.pids.push(process.pid);
  resolved.pids.push(...numbersOfMachines(machines));
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

/** Whether bytes under an ACL may be brought to another machine. */
export function admitsMachine(acl: AccessList, machine: string): boolean {
  return acl === 'everyone' || namesMachine(acl.pids, machine);
}

function isUndefined(value: unknown): boolean {
  return value === undefined;
}
