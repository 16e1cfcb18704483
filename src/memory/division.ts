import { type AccessList, type Credentials, isProcess } from './acl.ts';
import type { Lease } from './lease.ts';
import type { GroupStats, PoolStats } from './pool-stats.ts';
import type { Reservation } from './reservation.ts';

/** What a copy needs of a pool. */
interface GroupPool {
  limit: number;
  readonly bytesMapped: number;
  reserve(size: number): Reservation;
  commit(reservation: Reservation, length: number): Lease;
  trim(bytes: number, tries?: number): number;
  stats(): PoolStats;
  close(): void;
}

/** The pool that is divided. */
interface DividedPool {
  readonly acl: AccessList;
  /** Bytes that the chunks of all groups may have together. */
  room(): number;
  /** A pool for one group. */
  make(): GroupPool;
}

/** So many groups have a pool of their own at a time; it is made again for who comes back. */
const MAX_GROUPS = 32;

/**
 * The memory of a pool whose ACL admits domains that are not to see what the others get. Its small buffers
 * lie in chunks with others, which only the owner's own user is given: processes of one user can read each
 * other's memory anyway (ptrace(2)). Whoever else is sent one gets a copy, in chunks of the group that he is
 * in.
 */
export class Division {
  readonly #pool: DividedPool;
  /** By group, the longest unused first. */
  readonly #groups = new Map<string, GroupPool>();
  /** Of groups that were given up, as long as something of them is held. */
  #ended: GroupPool[] = [];
  #closed = false;

  constructor(pool: DividedPool) {
    this.#pool = pool;
  }

  /**
   * The group of a peer that the ACL admits: its user, or the process where the ACL names that. Undefined for
   * those who share all with the owner.
   */
  groupOf(peer: Credentials): string | undefined {
    if (peer.pid === process.pid) return undefined;
    const group = groupIn(this.#pool.acl, peer);
    return group === ownUser() ? undefined : group;
  }

  /**
   * A copy of bytes that a group may see the chunk of. The caller has a reference of its lease.
   * @throws ERR_IOLITE_LIMIT when the pool is full; SystemError: ENOMEM, EMFILE
   */
  copyFor(group: string, bytes: Uint8Array): { lease: Lease; start: number; end: number } {
    const pool = this.#closed ? this.#pool.make() : this.#poolOf(group);
    try {
      pool.limit = this.#pool.room() - this.bytesMapped + pool.bytesMapped;
      const reservation = pool.reserve(bytes.length);
      reservation.bytes.set(bytes);
      const { offset } = reservation;
      return { lease: pool.commit(reservation, bytes.length), start: offset, end: offset + bytes.length };
    } finally {
      if (this.#closed) pool.close();
    }
  }

  /** Of all groups. */
  get bytesMapped(): number {
    let bytes = 0;
    for (const pool of this.#groups.values()) bytes += pool.bytesMapped;
    for (const pool of this.#ended) bytes += pool.bytesMapped;
    return bytes;
  }

  /** Of all groups, together. */
  stats(): GroupStats {
    this.#ended = this.#ended.filter(pool => pool.stats().chunks > 0);
    const sum: { -readonly [name in keyof GroupStats]: number } = { ...NOTHING };
    for (const pool of [...this.#groups.values(), ...this.#ended]) {
      const stats = pool.stats();
      for (const name of Object.keys(sum) as (keyof GroupStats)[]) sum[name] += stats[name];
    }
    return sum;
  }

  /** Gives idle chunks back to the system. @returns how many bytes these were */
  trim(tries: number): number {
    let given = 0;
    for (const pool of this.#groups.values()) given += pool.trim(0, tries);
    return given;
  }

  close(): void {
    this.#closed = true;
    for (const pool of this.#groups.values()) this.#end(pool);
    this.#groups.clear();
  }

  #poolOf(group: string): GroupPool {
    const pool = this.#groups.get(group) ?? this.#pool.make();
    this.#groups.delete(group);
    this.#groups.set(group, pool);
    if (this.#groups.size > MAX_GROUPS) {
      const [longest, unused] = this.#groups.entries().next().value as [string, GroupPool];
      this.#groups.delete(longest);
      this.#end(unused);
    }
    return pool;
  }

  #end(pool: GroupPool): void {
    pool.close();
    this.#ended.push(pool);
  }
}

const NOTHING: GroupStats = {
  chunks: 0,
  chunksIdle: 0,
  bytesMapped: 0,
  bytesLive: 0,
  bytesUsed: 0,
  bytesHeld: 0,
  recycled: 0,
  leaked: 0,
};

/** Who sees what a domain is sent under an ACL that admits it: its user, or itself where the ACL names it. */
export function groupIn(acl: AccessList, { pid, uid }: Credentials): string {
  const isNamed = acl !== 'everyone' && !acl.uids.includes(uid) && acl.pids.includes(pid);
  return isNamed ? `process ${pid} of user ${uid}` : userGroup(uid);
}

function ownUser(): string | undefined {
  const uid = process.geteuid?.();
  return uid === undefined ? undefined : userGroup(uid);
}

function userGroup(uid: number): string {
  return `user ${uid}`;
}

/** Whether an ACL, which always names its owner, admits domains that share nothing but what each was sent. */
export function admitsSeveral(acl: AccessList): boolean {
  if (acl === 'everyone' || acl.gids.length > 0) return true;
  return acl.uids.length + acl.pids.filter(isProcess).length - 1 > 1;
}
