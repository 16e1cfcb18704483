import { IoliteError } from '../base/error.ts';
import type { Chunk, ChunkHolder, OwnedChunk } from './chunk.ts';
import { lockedInodes } from './locked-inodes.ts';
import { SharedChunk } from './shared-chunk.ts';

/** A process that holds chunks of a pool: what it leases, and what it was sent and did not take. */
export interface PoolHolder {
  /** The number of the process. */
  readonly pid: number;
  /** The number of its user. */
  readonly uid: number;
  /** Of the chunks, headers included. */
  readonly bytes: number;
  /** How many chunks it holds. */
  readonly chunks: number;
  /** Since when it may hold one of them, in milliseconds since 1970: when it was given it, or that filled. */
  readonly since: number;
}

/** How long a peer may hold more than its part of a full pool past use. */
const PATIENCE_MS = 5000;
/** That part, of the pool's limit. */
const MAX_HELD_PART = 1 / 2;

/** A chunk that was found to be held by others and not used here, or not taken from here. */
interface Sighting {
  readonly since: number;
  readonly generation: number;
}

/** Who holds the chunks of a pool, and what becomes of those who hold too much of them for too long. */
export class ChunkHoldings {
  readonly #chunks: Iterable<OwnedChunk>;
  readonly #idle: ReadonlySet<OwnedChunk>;
  readonly #sightings = new WeakMap<OwnedChunk, Sighting>();
  /** When each holder was first found not to take what it was sent, and how far it was then. */
  readonly #stops = new WeakMap<ChunkHolder, { readonly since: number; readonly leasedCount: number }>();
  #lookAt = 0;
  /** For the time of one look: what holders were sent and did not take. */
  readonly #untaken = new Map<ChunkHolder, Set<Chunk>>();

  /** @param chunks of the pool @param idle those that nobody uses here: both as they are at any time */
  constructor(chunks: Iterable<OwnedChunk>, idle: ReadonlySet<OwnedChunk>) {
    this.#chunks = chunks;
    this.#idle = idle;
  }

  /**
   * Who holds something now, by process. Where several processes were given a chunk, the kernel is asked
   * which of them lease it; if it does not say, all count. Costs a system call a chunk, and more for such.
   */
  list(): PoolHolder[] {
    const byProcess = new Map<number, PoolHolder & { bytes: number; chunks: number; since: number }>();
    const held = this.#held();
    for (const [chunk, holders] of held) {
      for (const { peer, since } of onceAProcess(chunk, holders)) {
        const known = byProcess.get(peer.pid);
        if (known === undefined) {
          byProcess.set(peer.pid, { pid: peer.pid, uid: peer.uid, bytes: chunk.size, chunks: 1, since });
        } else {
          known.bytes += chunk.size;
          known.chunks += 1;
          known.since = Math.min(known.since, since);
        }
      }
    }
    return [...byProcess.values()].sort((a, b) => b.bytes - a.bytes);
  }

  /**
   * The pool is full. Cuts off who has held more than its part for too long, past use: chunks that nobody
   * here uses, and those that it was sent and does not take. @returns the chunks that are to be dropped,
   * which it may go on reading
   */
  giveUp(limit: number): OwnedChunk[] {
    const now = performance.now();
    if (now < this.#lookAt) return [];
    const before = new Map<ChunkHolder, number>();
    const late = new Map<ChunkHolder, SharedChunk[]>();
    for (const [chunk, holders] of this.#held()) {
      for (const holder of holders) {
        if (!this.#isPastUse(chunk, holder, now)) continue;
        before.set(holder, (before.get(holder) ?? 0) + chunk.size);
        late.set(holder, [...(late.get(holder) ?? []), chunk]);
      }
    }
    // It is costly with many chunks, and time is what has to pass.
    this.#lookAt = performance.now() + Math.max(50, 10 * (performance.now() - now));
    const dropped = new Set<OwnedChunk>();
    for (const [holder, bytes] of before) {
      if (holder.isOpen && bytes <= (holder.maxHeldBytes ?? limit * MAX_HELD_PART)) continue;
      if (holder.isOpen) holder.cutOff(heldError(bytes, limit));
      for (const chunk of late.get(holder) ?? []) if (this.#idle.has(chunk)) dropped.add(chunk);
    }
    return [...dropped];
  }

  /** Whether a chunk has been held for long that nobody uses here, or that its holder does not take. */
  #isPastUse(chunk: SharedChunk, holder: ChunkHolder, now: number): boolean {
    if (!this.#idle.has(chunk)) return this.#isStopped(holder, now) && this.#untakenBy(holder).has(chunk);
    const seen = this.#sightings.get(chunk);
    if (seen !== undefined && seen.generation === chunk.generation) return now - seen.since >= PATIENCE_MS;
    this.#sightings.set(chunk, { since: now, generation: chunk.generation });
    return false;
  }

  #isStopped(holder: ChunkHolder, now: number): boolean {
    const { leasedCount } = holder;
    const stop = this.#stops.get(holder);
    if (stop !== undefined && stop.leasedCount === leasedCount) return now - stop.since >= PATIENCE_MS;
    this.#stops.set(holder, { since: now, leasedCount });
    return false;
  }

  #held(): Map<SharedChunk, ChunkHolder[]> {
    const held = new Map<SharedChunk, ChunkHolder[]>();
    this.#untaken.clear();
    const locked = new Map<number, ReadonlySet<number> | undefined>();
    const locksOf = (pid: number): ReadonlySet<number> | undefined => {
      if (!locked.has(pid)) locked.set(pid, lockedInodes(pid));
      return locked.get(pid);
    };
    for (const chunk of this.#chunks) {
      if (!(chunk instanceof SharedChunk) || !chunk.isLeasedElsewhere()) continue;
      held.set(chunk, this.#holdersOf(chunk, [...chunk.holders.keys()], locksOf));
    }
    return held;
  }

  /** Who of those that were given a chunk, which is leased, holds it. */
  #holdersOf(
    chunk: SharedChunk,
    given: ChunkHolder[],
    locksOf: (pid: number) => ReadonlySet<number> | undefined,
  ): ChunkHolder[] {
    if (given.length <= 1) return given;
    const { inode } = chunk;
    const known = given.filter(
      holder => locksOf(holder.peer.pid)?.has(inode) === true || this.#untakenBy(holder).has(chunk),
    );
    if (known.length > 0) return known;
    const unknown = given.filter(({ peer }) => locksOf(peer.pid) === undefined);
    return unknown.length > 0 ? unknown : given;
  }

  #untakenBy(holder: ChunkHolder): Set<Chunk> {
    let untaken = this.#untaken.get(holder);
    if (untaken === undefined) {
      untaken = holder.untaken();
      this.#untaken.set(holder, untaken);
    }
    return untaken;
  }
}

function onceAProcess(
  { holders, filledAt }: SharedChunk,
  list: readonly ChunkHolder[],
): { readonly peer: ChunkHolder['peer']; readonly since: number }[] {
  const byProcess = new Map<number, { peer: ChunkHolder['peer']; since: number }>();
  for (const holder of list) {
    const since = Math.max(holders.get(holder) ?? 0, filledAt);
    const known = byProcess.get(holder.peer.pid);
    if (known === undefined || since < known.since)
      byProcess.set(holder.peer.pid, { peer: holder.peer, since });
  }
  return [...byProcess.values()];
}

function heldError(bytes: number, limit: number): IoliteError {
  return new IoliteError(
    'ERR_IOLITE_LIMIT',
    `The peer holds ${bytes} bytes of a full pool of ${limit} that nobody uses here any more`,
  );
}
