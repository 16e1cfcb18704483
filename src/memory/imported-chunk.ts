import { fstatSync } from 'node:fs';
import { IoliteError, SystemError } from '../base/error.ts';
import { invariant } from '../base/invariant.ts';
import { closeDescriptor, closeMemfd, discardForeign, reopenReadOnly } from '../os/descriptor.ts';
import { reopenLocked, tryLockShared, unlock } from '../os/lock.ts';
import type { MappedMemory } from '../os/mapping/mapped-memory.ts';
import { abandon, map, mostMappings } from '../os/mapping/mapping.ts';
import { getSeals, isReadOnly, Seal, usesHugePages } from '../os/memfd.ts';
import { endOfAccessList, readAccessList } from './access-header.ts';
import type { AccessList, Credentials } from './acl.ts';
import { type Chunk, type ContentRange, HEADER_BYTES, MAX_CHUNK_BYTES } from './chunk.ts';
import { AskedFacts } from './facts/asked-facts.ts';
import { findFact } from './facts/fact-log.ts';
import { headerProblem, MAX_GENERATION, readGeneration } from './header.ts';
import { LazyUnlock, type Unlockable } from './lazy-unlock.ts';
import { Lease } from './lease.ts';
import { problemBehind } from './support.ts';

/** What happens to a write into received memory. */
export type OnWrite =
  /** The writing process ends with SIGSEGV, at once: nothing is thrown, and nothing said. */
  | 'fault'
  /** The write stays with the body whose views were written: in pages of its own. See Aggregate.views. */
  | 'copy';

/** What a peer states of a chunk whose descriptor it passed. */
export interface ChunkStatement {
  readonly id: string;
  readonly size: number;
  /** Whether it was made for a single large buffer: then its pages are mapped at once. A hint, no more. */
  readonly sole: boolean;
}

/** What the kernel attests of a chunk's memory. */
interface Origin {
  /** Whether nobody, its producer included, can change the bytes. */
  readonly frozen: boolean;
  /** Whether it was made by a process of this user's, or root's. */
  readonly isOwnUser: boolean;
}

/** What stat(2) counts blocks in. */
const BLOCK_BYTES = 512;

/** Of the mappings that a process may have chunks of others get half. */
const MAPPINGS_PART = 1 / 2;

const CANNOT_CHANGE_SIZE = Seal.SHRINK | Seal.GROW;

/**
 * A chunk that another domain made and gave us: mapped so that it cannot be written, leased through the
 * kernel. Kept while a channel may still name it (a grant) or a slice of it lives.
 */
export class ImportedChunk implements Chunk, Unlockable {
  readonly memory = 'shared';
  readonly isWritable = false;
  readonly mapToWrite: (() => MappedMemory) | undefined;
  readonly id: string;
  readonly size: number;
  readonly sole: boolean;
  /** Who else may be given it, as its pool says: nobody on the way can say otherwise. Read once. */
  readonly acl: AccessList;
  /** Whether the kernel attests that nobody, its producer included, can change the bytes. */
  readonly frozen: boolean;
  /** Called once when the chunk is discarded. */
  readonly onDrop = new Set<() => void>();
  /**
   * Channels that it was forwarded through take back their grants: when it is discarded, and when one was
   * taken back and nothing here uses it. Two that forwarded it to each other would keep it for ever then.
   */
  readonly onRecall = new Set<() => void>();
  isListed = false;
  /** Channels that ask whoever granted it for a fact. Each says whether it could. */
  readonly askers = new Set<(name: string, ranges: readonly ContentRange[]) => boolean>();
  /** The peers, each of one channel, that have granted it: they have it already. */
  readonly givers = new Set<Credentials>();
  readonly #asked = new AskedFacts();
  /** Whether what the owner has written down is taken for true. */
  readonly #isBelieved: boolean;
  /** -1 once it is discarded: the number may be another file's then. */
  #fd: number;
  readonly #key: string;
  readonly #mapping: MappedMemory;
  /** Held weakly while it lasts, so that a leaked lease can be collected and ended. */
  #lease: WeakRef<Lease> | undefined;
  /** How many were made: names the last one. */
  #leases = 0;
  #leased = false;
  /** Of the lease that lasts: no honest owner goes on to another one under it. */
  #leasedGeneration = 0;
  /** The last one, ended, as long as the kernel lock still stands: it can serve again. */
  #rested: Lease | undefined;
  #locked: boolean;
  #grants = 0;
  /** Whether a grant was taken back while it was leased. */
  #isRecalled = false;
  #discarded = false;

  /** Takes over `fd` if it succeeds. Use {@link importChunk}. */
  constructor(fd: number, key: string, statement: ChunkStatement, origin: Origin, onWrite: OnWrite) {
    const { id, size } = statement;
    const { frozen, isOwnUser } = origin;
    // Its pages appear as they are read: to make them present costs more, and a peer could have us do it for
    // gigabytes that nobody reads.
    this.#mapping = map(fd, size, 'read-only', false);
    const problem = headerProblem(this.#mapping.bytes, id);
    const acl = readAccessList(this.#mapping.bytes);
    if (problem !== undefined || acl === undefined) {
      abandon(this.#mapping);
      throw refused(problem ?? 'its ACL is malformed');
    }
    // The sender took a lease in the description that it passed, which is held until this one is.
    this.#locked = lockedHere(fd, this.#mapping);
    this.acl = acl;
    this.id = id;
    this.size = size;
    this.sole = statement.sole;
    this.frozen = frozen;
    this.#isBelieved = isOwnUser && !frozen;
    this.#fd = fd;
    mappedChunks += 1;
    this.#key = key;
    this.mapToWrite = onWrite === 'copy' ? () => map(fd, size, 'copy-on-write', false) : undefined;
    if (this.#locked) idle.add(this);
  }

  get bytes(): Buffer {
    return this.#mapping.bytes;
  }

  get shown(): Buffer {
    return this.#mapping.shown;
  }

  get generation(): number {
    return readGeneration(this.#mapping.bytes);
  }

  /** Of ours, which stands as long as the chunk is held here. */
  get descriptor(): number {
    return this.#fd;
  }

  /** Whether a slice of it lives here. */
  get leased(): boolean {
    return this.#leased;
  }

  /**
   * The lease on a generation; the caller retains it at once. No system call while a lease is held or was
   * given up less than a few milliseconds ago.
   * @throws ERR_IOLITE_STALE when the chunk holds other content by now; ERR_IOLITE_BUSY when it is the same
   *   but another process keeps us from leasing it just now, by a lock of its own; ERR_IOLITE_PROTOCOL when
   *   its owner wrote another generation while we leased one; SystemError: ENOLCK
   */
  lease(generation: number): Lease {
    const current = this.#leased ? this.#lease?.deref() : undefined;
    if (current !== undefined && current.generation === generation) return current;
    if (!this.#locked) this.#locked = tryLockShared(this.#fd);
    if (this.generation !== generation) {
      if (this.#locked && !this.#leased) idle.add(this);
      throw new IoliteError(
        'ERR_IOLITE_STALE',
        `Cannot lease generation ${generation} of chunk ${this.id}: it is at generation ${this.generation}`,
      );
    }
    if (!this.#locked) {
      throw new IoliteError(
        'ERR_IOLITE_BUSY',
        `Cannot lease chunk ${this.id}: another process has locked it`,
        { mayRetry: true },
      );
    }
    // Two leases at a time would each be taken for the last one when they end.
    if (this.#leased && generation !== this.#leasedGeneration)
      throw refused(`its generation went from ${this.#leasedGeneration} to ${generation} under a lease`);
    const rested = this.#rested;
    this.#rested = undefined;
    this.#leased = true;
    this.#leasedGeneration = generation;
    return rested !== undefined && rested.generation === generation ? rested : this.#makeLease(generation);
  }

  factOf(generation: number, key: Buffer): Buffer | undefined {
    if (!this.#isBelieved) return undefined;
    return findFact(this.bytes.subarray(0, HEADER_BYTES), endOfAccessList(this.acl), generation, key);
  }

  askFor(name: string, ranges: readonly ContentRange[]): void {
    if (!this.#isBelieved || !this.#asked.isNew(this.generation, name, ranges)) return;
    for (const ask of this.askers) if (ask(name, ranges)) return;
  }

  /** Any other chunk its owner may refill when our lease has ended. */
  get spent(): boolean {
    return this.frozen || this.generation === MAX_GENERATION;
  }

  descriptorToMap(): number | undefined {
    return this.mapToWrite === undefined ? this.#fd : undefined;
  }

  sendableDescriptor(): number | undefined {
    return this.spent ? this.#fd : undefined;
  }

  leaseEnded(): void {
    this.#leased = false;
    if (this.#grants === 0) {
      this.#discard();
      return;
    }
    if (this.#isRecalled) this.#recall();
    this.#rested = this.#lease?.deref();
    idle.add(this);
  }

  /** The finaliser's call: the lease made as the nth was collected, ended or not. */
  leaseCollected(nth: number): void {
    if (this.#leased && nth === this.#leases) this.leaseEnded();
  }

  /** Gives up the kernel lock of a chunk that nothing here uses. @returns false where the kernel kept it */
  unlockIfIdle(): boolean {
    if (this.#leased || !this.#locked || this.#discarded) return true;
    if (!unlock(this.#fd)) return false;
    this.#locked = false;
    this.#rested = undefined;
    return true;
  }

  /** A channel may name this chunk from now on. */
  addGrant(): void {
    invariant(!this.#discarded, 'a chunk that was discarded is not granted');
    this.#grants += 1;
  }

  /** A channel's sender will not name this chunk any more. */
  removeGrant(): void {
    this.#grants -= 1;
    invariant(this.#grants >= 0, 'a grant is taken back once');
    if (this.#leased) this.#isRecalled = true;
    else if (this.#grants === 0) this.#discard();
    else this.#recall();
  }

  /** A new read-only descriptor that holds a lease of its own, for another domain. The caller closes it. */
  grant(): number {
    return reopenLocked(this.#fd);
  }

  #recall(): void {
    this.#isRecalled = false;
    for (const listener of [...this.onRecall]) listener();
  }

  #makeLease(generation: number): Lease {
    const lease = new Lease(this, generation);
    this.#lease = new WeakRef(lease);
    this.#leases += 1;
    collected.register(lease, { chunk: this, nth: this.#leases }, this);
    return lease;
  }

  #discard(): void {
    if (this.#discarded) return;
    this.#discarded = true;
    mappedChunks -= 1;
    this.#rested = undefined;
    // There is nothing to end any more, and the chunk is not to wait for its leases to be collected.
    collected.unregister(this);
    if (known.get(this.#key)?.deref() === this) known.delete(this.#key);
    this.#recall();
    for (const listener of this.onDrop) listener();
    this.onDrop.clear();
    abandon(this.#mapping);
    closeMemfd(this.#fd, this.size);
    this.#fd = -1;
  }
}

/** Locks a chunk that was mapped. @throws as {@link tryLockShared}; it is mapped no more then */
function lockedHere(fd: number, mapping: MappedMemory): boolean {
  try {
    return tryLockShared(fd);
  } catch (error) {
    abandon(mapping);
    throw error;
  }
}

/** Chunks of others that are mapped here. */
let mappedChunks = 0;
let mostMappedChunks: number | undefined;

/** @throws ERR_IOLITE_LIMIT when no more chunks of others may be mapped */
function checkMappings(): void {
  mostMappedChunks ??= Math.floor(mostMappings() * MAPPINGS_PART);
  if (mappedChunks < mostMappedChunks) return;
  throw new IoliteError(
    'ERR_IOLITE_LIMIT',
    `Cannot map a received descriptor: ${mappedChunks} chunks of other processes are mapped already`,
  );
}

/** Chunks whose kernel lock outlives their use for a moment: the next message likely needs it again. */
const idle = new LazyUnlock();

/** One mapping a chunk and domain, however many channels brought it. By inode, which no peer can choose. */
const known = new Map<string, WeakRef<ImportedChunk>>();

const collected = new FinalizationRegistry<{ chunk: ImportedChunk; nth: number }>(({ chunk, nth }) =>
  chunk.leaseCollected(nth),
);

/**
 * Takes over a descriptor that a peer passed, if it is what it has to be: a memfd of the stated size that
 * nobody can shrink, grow or write anew, with the stated chunk in all of its pages. Waits for nothing,
 * whatever was passed. The caller adds a grant.
 * @throws ERR_IOLITE_PROTOCOL when it is not; ERR_IOLITE_UNSUPPORTED where no memory is shared;
 *   ERR_IOLITE_LIMIT; SystemError: ENOMEM, EMFILE, ENOLCK. The descriptor is closed then.
 */
export function importChunk(
  fd: number,
  statement: ChunkStatement,
  options: {
    readonly onWrite: OnWrite;
    readonly requireSealed: boolean;
    /** Whether it came from a process of this user's, or root's. */
    readonly isOwnUser?: boolean;
  },
): ImportedChunk {
  try {
    const { key, frozen, isOwnUser } = inspect(fd, statement, options.requireSealed);
    const cacheKey = `${key}:${options.onWrite}`;
    const present = known.get(cacheKey)?.deref();
    if (present !== undefined && present.id === statement.id) return present;
    checkMappings();
    const chunk = own(
      fd,
      cacheKey,
      statement,
      { frozen, isOwnUser: isOwnUser && options.isOwnUser === true },
      options.onWrite,
    );
    known.set(cacheKey, new WeakRef(chunk));
    return chunk;
  } catch (error) {
    throw problemBehind(error);
  } finally {
    discardForeign(fd);
  }
}

/**
 * A chunk with an open file description of our own: the peer may have kept the one it passed, and could drop
 * the lock in that. The lease that came in it stands until ours does.
 */
function own(
  fd: number,
  key: string,
  statement: ChunkStatement,
  origin: Origin,
  onWrite: OnWrite,
): ImportedChunk {
  const reopened = reopen(fd);
  try {
    return new ImportedChunk(reopened, key, statement, origin, onWrite);
  } catch (error) {
    closeDescriptor(reopened);
    throw error;
  }
}

function reopen(fd: number): number {
  try {
    return reopenReadOnly(fd);
  } catch (error) {
    if (error instanceof SystemError && error.code === 'EAGAIN')
      throw refused('there is a write lease on it');
    throw error;
  }
}

/** What a memfd has, nothing else is asked about: it could keep us waiting. */
function inspect(fd: number, statement: ChunkStatement, requireSealed: boolean): Origin & { key: string } {
  if (statement.size < 2 * HEADER_BYTES || statement.size > MAX_CHUNK_BYTES) {
    throw refused(`a size of ${statement.size} bytes was stated`);
  }
  let seals: number;
  try {
    seals = getSeals(fd);
  } catch {
    throw refused('it is not a memfd');
  }
  if ((seals & CANNOT_CHANGE_SIZE) !== CANNOT_CHANGE_SIZE) throw refused('its size is not sealed');
  if ((seals & (Seal.WRITE | Seal.FUTURE_WRITE)) === 0) throw refused('it is not sealed against writing');
  const frozen = (seals & Seal.WRITE) !== 0;
  if (requireSealed && !frozen)
    throw refused('its producer can still write it, and sealed buffers are required');
  if (!isReadOnly(fd)) throw refused('it is open for writing');
  const stat = fstatSync(fd, { bigint: true });
  if (!stat.isFile()) throw refused('it is not a file');
  if (stat.size !== BigInt(statement.size))
    throw refused(`it has ${stat.size} bytes, ${statement.size} were stated`);
  if (usesHugePages(fd)) throw refused('its pages are of the reserve of huge pages');
  // Pages that are not there its sender has not paid for, and whoever reads them would.
  if (stat.blocks * BigInt(BLOCK_BYTES) < stat.size) throw refused('not all of its pages are there');
  return { key: `${stat.dev}:${stat.ino}`, frozen, isOwnUser: isOwnUser(Number(stat.uid)) };
}

/** Whether a user is ours, or root: such a process can do what it likes with this one anyway (ptrace(2)). */
export function isOwnUser(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

function refused(why: string): IoliteError {
  return new IoliteError('ERR_IOLITE_PROTOCOL', `Cannot map a received descriptor: ${why}`);
}
