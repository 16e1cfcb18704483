import { checkInteger, IoliteError } from '../base/error.ts';
import { CHECKED, invariant } from '../base/invariant.ts';
import { type AccessList, resolveAcl } from './acl.ts';
import type { Audience } from './audience.ts';
import { type ChunkKeeper, MAX_CHUNK_BYTES, type OwnedChunk, PAGE_BYTES, roundUp } from './chunk.ts';
import { ChunkHoldings } from './chunk-holdings.ts';
import { admitsSeveral, Division } from './division.ts';
import { IDLE_BYTES, idleMemory, keptIdleBytes, mostIdleBytes } from './idle-memory.ts';
import { Lease, type Tally } from './lease.ts';
import { OpenPages } from './open-pages.ts';
import { completePoolOptions, type PoolKind, type PoolOptions } from './pool-options.ts';
import { checkSums, fullError, type PoolStats, type PoolSums, statsOf, withGroups } from './pool-stats.ts';
import { Reservation } from './reservation.ts';
import { makeChunk } from './shared-chunk.ts';

const MAX_BUFFER_BYTES = MAX_CHUNK_BYTES - PAGE_BYTES;
const ALIGNMENT_BYTES = 64;
/** A buffer of this size or more gets a chunk of its own. */
const OWN_CHUNK_BYTES = 256 * 1024;
/** How much larger than wanted a recycled chunk may be, as a part of what is wanted. */
const MAX_WASTE_PART = 0.25;
/** How often a pool that is in use is asked for what it does not need before it gives that back. */
const PATIENT_LOOKS = 5;
/** How many idle chunks that other domains still lease an allocation asks about before it makes a new one. */
const BUSY_TRIES = 8;
/** When it is looked again whether idle chunks can go that other domains leased: nobody tells us. */
const LOOK_AGAIN_MS = 500;

/**
 * Chunks that share one ACL, and the buffers in them. Small buffers are placed one after the other in a
 * common chunk, large ones get chunks of their own; a chunk that nobody uses is refilled. Whoever is given a
 * chunk can read all of it: where the ACL admits several who are not to see each other's, see {@link
 * Division}.
 */
export class ChunkPool {
  readonly name: string;
  readonly kind: PoolKind;
  readonly memory: 'shared' | 'heap';
  readonly refill: boolean;
  /** Fixed when the pool is made: it goes with each chunk to all who get one. */
  readonly acl: AccessList;
  readonly chunkSize: number;
  #limit: number;
  /** Undefined where all whom the ACL admits may see all. */
  readonly #division: Division | undefined;
  readonly #chunks = new Set<OwnedChunk>();
  /** Chunks without a live slice in this domain, the longest idle first. */
  readonly #idle = new Set<OwnedChunk>();
  /** Of their last leases. */
  readonly #tallies = new WeakMap<OwnedChunk, Tally>();
  /** Who else holds them. */
  readonly holdings = new ChunkHoldings(this.#chunks, this.#idle);
  readonly #collected = new FinalizationRegistry<{ chunk: OwnedChunk; generation: number }>(
    ({ chunk, generation }) => this.#leaseCollected(chunk, generation),
  );
  /** The chunk that small buffers are placed in, kept by a reference of the pool's own. */
  #current: Lease | undefined;
  #position = 0;
  /** Of kind 'protect'. */
  readonly #openPages: OpenPages | undefined;
  #bytesMapped = 0;
  #bytesIdle = 0;
  /** The least that were idle at any time since {@link giveBackUnused} was called. */
  #leastIdle = 0;
  /** How many allocations there had been then. */
  #allocatedThen = 0;
  /** How often it was called since anything was to be given back, and the least that was idle since then. */
  #looks = 0;
  #leastOfLooks = Number.POSITIVE_INFINITY;
  #recycled = 0;
  #allocated = 0;
  #leaked = 0;
  #closed = false;
  #lookAgain: NodeJS.Timeout | undefined;

  /** @param isDivided whether it is one of those that a division makes, for a single group */
  constructor(options: PoolOptions = {}, isDivided = false) {
    const { name, kind, memory, refill, chunkSize, limit, acl } = completePoolOptions(options);
    this.name = name;
    this.kind = kind;
    this.#openPages = kind === 'protect' ? new OpenPages() : undefined;
    this.memory = memory;
    this.refill = refill;
    this.acl = resolveAcl(acl);
    this.chunkSize = roundUp(chunkSize, PAGE_BYTES);
    this.#limit = limit;
    if (memory === 'shared' && !isDivided && admitsSeveral(this.acl)) this.#division = this.#divide();
  }

  /** Most bytes of chunks; infinite when there is no bound. */
  get limit(): number {
    return this.#limit;
  }

  /** Changes the limit. Nothing is taken back: a lower one holds for what is allocated from here on. */
  set limit(bytes: number) {
    this.#limit = Math.max(bytes, 2 * PAGE_BYTES);
  }

  get closed(): boolean {
    return this.#closed;
  }

  get bytesMapped(): number {
    return this.#bytesMapped + (this.#division?.bytesMapped ?? 0);
  }

  /** Whether small buffers are placed behind what this lease holds. */
  isFilling(lease: Lease): boolean {
    return lease === this.#current;
  }

  /**
   * Room for `size` bytes, to be committed or cancelled.
   *
   * Costs a few additions in a common chunk; a chunk's making (about a millisecond per MiB) or a recycled
   * chunk's lock (microseconds) otherwise. In a pool of kind 'protect' a system call.
   * @param prompt whether it is filled and committed before any other program runs: then it may share a page
   *   with sealed buffers of a pool of kind 'protect'
   * @throws ERR_IOLITE_LIMIT when the pool is full, ERR_IOLITE_CLOSED, or what the kernel said (ENOMEM,
   *   EMFILE).
   */
  reserve(size: number, prompt = false): Reservation {
    checkInteger(size, 'size', 0, MAX_BUFFER_BYTES);
    this.#checkOpen();
    this.#allocated += 1;
    const ownChunk = this.kind === 'seal' || size >= Math.min(OWN_CHUNK_BYTES, this.chunkSize / 2);
    const reservation = ownChunk ? this.#reserveOwn(size, true) : this.#reserveCommon(size, prompt);
    this.#openPages?.open(reservation, this);
    return reservation;
  }

  /**
   * A chunk with room for `size` bytes, for a caller that divides it up itself: a cache's segment. As
   * {@link reserve}, but the domains that it is passed to make its pages present only as they read them;
   * and in a pool of kind 'protect' the caller opens and shuts them itself.
   * @param audience whose contents it is for, and whom the caller gives it to. None ever finds there what was
   *   for another
   * @throws as {@link reserve}
   */
  reserveChunk(size: number, audience?: Audience): Reservation {
    checkInteger(size, 'size', 1, MAX_BUFFER_BYTES);
    this.#checkOpen();
    this.#allocated += 1;
    return this.#reserveOwn(size, false, audience);
  }

  /**
   * Ends the filling of a reservation: its first `length` bytes are a buffer now, and immutable. Room that
   * is left over goes back to the pool where it can.
   * @returns the lease that holds the buffer; the reservation's reference is the caller's.
   * @throws SystemError: ENOMEM, EBUSY, of kinds 'protect' and 'seal'. The buffer is lost then, and its room
   *   is the pool's
   */
  commit(reservation: Reservation, length: number): Lease {
    const { lease, offset } = reservation.end(length);
    const chunk = lease.chunk as OwnedChunk;
    try {
      this.#openPages?.shut(reservation);
      if (this.kind === 'seal') return this.#freeze(chunk, reservation, length);
    } catch (error) {
      reservation.end(0).lease.release();
      // What was to be sealed has no bytes any more.
      if (this.kind === 'seal') this.#drop(chunk);
      throw error;
    }
    if (lease === this.#current) {
      if (this.#position === offset + reservation.length) this.#position = offset + length;
      return lease;
    }
    invariant(length <= reservation.length, 'a buffer is no longer than its room');
    if (chunk.soleEnd !== undefined) chunk.soleEnd = offset + length;
    return lease;
  }

  #freeze(chunk: OwnedChunk, reservation: Reservation, length: number): Lease {
    if (chunk.soleEnd !== undefined) chunk.soleEnd = reservation.offset + length;
    // What is beyond was written too, and goes where the buffer goes.
    if (length < reservation.length) reservation.bytes.fill(0, length);
    chunk.freeze();
    this.#collected.unregister(reservation.lease);
    const frozen = this.#lease(chunk);
    frozen.retain();
    return frozen;
  }

  /** Gives a reservation back, unfilled. */
  cancel(reservation: Reservation): void {
    const { lease, offset, length } = reservation.end(0);
    this.#openPages?.forget(reservation);
    if (lease === this.#current && this.#position === offset + length) this.#position = offset;
    lease.release();
  }

  stats(): PoolStats {
    const sums = this.#sums;
    if (CHECKED) checkSums(sums);
    const counters = { recycled: this.#recycled, allocated: this.#allocated, leaked: this.#leaked };
    const own = statsOf(sums, counters, this.#tallies);
    return withGroups(own, this.#division?.stats());
  }

  /**
   * Gives idle chunks back to the system, the longest idle first, until those left hold at most `bytes`.
   * Chunks that another domain still leases stay.
   * @param tries how many of these are asked about at most, each with a call of the kernel
   * @returns how many bytes were given back
   */
  trim(bytes: number, tries = BUSY_TRIES): number {
    const before = this.#bytesMapped;
    if (bytes === 0 && this.#current?.references === 1) this.#leaveCurrent();
    this.#shrinkIdleTo(bytes, tries);
    return before - this.#bytesMapped + (bytes === 0 ? (this.#division?.trim(tries) ?? 0) : 0);
  }

  /**
   * Gives back what was idle all the time since the last call, but for a remainder that is kept for whoever
   * comes next. A pool that is in use has more patience. Called every few seconds while there is more than
   * that: see {@link idleMemory}.
   * @returns whether there is still more
   */
  giveBackUnused(): boolean {
    const isInUse = this.#allocated !== this.#allocatedThen;
    this.#allocatedThen = this.#allocated;
    const unused = Math.min(this.#leastIdle, this.#bytesIdle);
    this.#leastIdle = this.#bytesIdle;
    this.#leastOfLooks = Math.min(this.#leastOfLooks, unused);
    // Who is busy may want it back in a moment: only what was not wanted for long goes.
    if (isInUse && !this.#closed && this.#looks < PATIENT_LOOKS) {
      this.#looks += 1;
      return true;
    }
    const given = isInUse ? this.#leastOfLooks : unused;
    this.#looks = 0;
    this.#leastOfLooks = Number.POSITIVE_INFINITY;
    if (!this.#closed)
      this.trim(Math.max(keptIdleBytes(this.#limit), this.#bytesIdle - given), Number.POSITIVE_INFINITY);
    this.#leastIdle = this.#bytesIdle;
    return !this.#closed && this.#bytesIdle > keptIdleBytes(this.#limit);
  }

  /**
   * Ends allocation. Live buffers stay valid, and their chunks go with them. Closing twice does nothing.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#lookAgain);
    idleMemory.remove(this);
    this.#division?.close();
    this.#leaveCurrent();
    for (const chunk of [...this.#idle]) this.#drop(chunk);
    if (CHECKED) checkSums(this.#sums);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #checkOpen(): void {
    if (this.#closed)
      throw new IoliteError('ERR_IOLITE_CLOSED', `Cannot allocate from pool ${this.name}: it is closed`);
  }

  #reserveOwn(size: number, sole: boolean, audience?: Audience): Reservation {
    const lease = this.#obtain(size, sole, sole, audience);
    lease.retain();
    const chunk = lease.chunk as OwnedChunk;
    const offset = chunk.payloadStart;
    chunk.soleEnd = sole ? offset + size : undefined;
    return new Reservation(lease, offset, size, sole);
  }

  #reserveCommon(size: number, prompt: boolean): Reservation {
    let offset =
      this.#openPages?.place(this.#current, this.#position, ALIGNMENT_BYTES, prompt) ??
      roundUp(this.#position, ALIGNMENT_BYTES);
    if (this.#current === undefined || offset + size > this.#current.chunk.size) {
      this.#leaveCurrent();
      const lease = this.#obtain(this.chunkSize - PAGE_BYTES, false, true, undefined);
      lease.retain();
      this.#current = lease;
      const chunk = lease.chunk as OwnedChunk;
      chunk.soleEnd = undefined;
      offset = chunk.payloadStart;
    }
    const lease = this.#current as Lease;
    lease.retain();
    this.#position = offset + size;
    return new Reservation(lease, offset, size, true);
  }

  #leaveCurrent(): void {
    const lease = this.#current;
    this.#current = undefined;
    this.#position = 0;
    lease?.release();
  }

  /** A chunk with room for `size` bytes, nobody's: a recycled one if one fits, else a new one. */
  #obtain(size: number, sole: boolean, mayCutOff: boolean, audience: Audience | undefined): Lease {
    const wanted = roundUp(size, PAGE_BYTES) + PAGE_BYTES;
    const recycled = this.kind === 'seal' ? undefined : this.#recycle(wanted, audience);
    if (recycled !== undefined) return this.#lease(recycled);
    const limit = this.limit - (this.#division?.bytesMapped ?? 0);
    this.#shrinkIdleTo(Math.min(IDLE_BYTES, limit - wanted - (this.#bytesMapped - this.#bytesIdle)));
    if (mayCutOff && this.#bytesMapped + wanted > limit)
      for (const held of this.holdings.giveUp(this.limit)) this.#drop(held);
    if (this.#bytesMapped + wanted > limit)
      throw fullError(size, this.name, this.limit - limit + this.#bytesMapped, this.limit);
    const whose = { sole, audience, division: this.#division };
    const chunk = makeChunk(this, wanted, whose, this.#keeper);
    this.#chunks.add(chunk);
    this.#bytesMapped += chunk.size;
    invariant(this.#bytesMapped <= this.limit, 'the chunks of a pool are within its limit');
    if (CHECKED) checkSums(this.#sums);
    return this.#lease(chunk);
  }

  /** An idle chunk that fits and that no other domain leases, opened to new content. */
  #recycle(wanted: number, audience: Audience | undefined): OwnedChunk | undefined {
    let busy = 0;
    const tries = this.limit === Number.POSITIVE_INFINITY ? BUSY_TRIES : this.#idle.size;
    for (const chunk of [...this.#idle]) {
      if (chunk.size < wanted || chunk.size > wanted * (1 + MAX_WASTE_PART)) continue;
      if (chunk.spent) {
        if (!chunk.isLeasedElsewhere()) this.#drop(chunk);
        continue;
      }
      if (!chunk.suits(audience)) continue;
      if (chunk.renew(audience)) {
        this.#idle.delete(chunk);
        this.#bytesIdle -= chunk.size;
        if (this.#bytesIdle < this.#leastIdle) this.#leastIdle = this.#bytesIdle;
        this.#recycled += 1;
        return chunk;
      }
      this.#idle.delete(chunk);
      this.#idle.add(chunk);
      busy += 1;
      if (busy >= tries) return undefined;
    }
    return undefined;
  }

  #divide(): Division {
    const { name, acl, chunkSize, refill } = this;
    const make = (): ChunkPool => new ChunkPool({ name, acl, chunkSize, refill }, true);
    return new Division({ acl, make, room: () => this.#limit - this.#bytesMapped });
  }

  #lease(chunk: OwnedChunk): Lease {
    const lease = new Lease(chunk);
    this.#collected.register(lease, { chunk, generation: chunk.generation }, lease);
    this.#tallies.set(chunk, lease.tally);
    return lease;
  }

  /** The safety net: a lease was garbage-collected. If it had not ended by then, its slices were leaked. */
  #leaseCollected(chunk: OwnedChunk, generation: number): void {
    if (chunk.generation !== generation || this.#idle.has(chunk) || !this.#chunks.has(chunk)) return;
    this.#leaked += 1;
    this.#becameIdle(chunk);
  }

  /** The last slice of a chunk in this domain is gone. */
  #becameIdle(chunk: OwnedChunk): void {
    if (CHECKED) invariant(this.#chunks.has(chunk) && !this.#idle.has(chunk), 'a chunk becomes idle once');
    this.#idle.add(chunk);
    this.#bytesIdle += chunk.size;
    if (this.#closed || (chunk.spent && !chunk.isLeasedElsewhere())) this.#drop(chunk);
    else if (mostIdleBytes(this.kind, this.#limit) < this.#bytesIdle)
      this.#shrinkIdleTo(mostIdleBytes(this.kind, this.#limit));
    if (this.#bytesIdle > keptIdleBytes(this.#limit)) idleMemory.add(this);
  }

  /** Drops idle chunks, the longest idle first, until those left hold no more than `bytes`. */
  #shrinkIdleTo(bytes: number, tries = BUSY_TRIES): void {
    let busy = 0;
    for (const chunk of [...this.#idle]) {
      if (this.#bytesIdle <= bytes || busy >= tries) break;
      if (chunk.isLeasedElsewhere()) busy += 1;
      else this.#drop(chunk);
    }
    if (this.#bytesIdle > mostIdleBytes(this.kind, this.#limit))
      this.#lookAgain ??= setTimeout(this.#look, LOOK_AGAIN_MS).unref();
  }

  readonly #look = (): void => {
    this.#lookAgain = undefined;
    if (!this.#closed) this.#shrinkIdleTo(mostIdleBytes(this.kind, this.#limit), Number.POSITIVE_INFINITY);
  };

  readonly #keeper: ChunkKeeper = {
    idle: chunk => this.#becameIdle(chunk),
    claimed: chunk => {
      if (this.#current?.chunk === chunk) this.#leaveCurrent();
      if (this.#chunks.delete(chunk)) this.#bytesMapped -= chunk.size;
    },
  };

  #drop(chunk: OwnedChunk): void {
    if (this.#idle.delete(chunk)) this.#bytesIdle -= chunk.size;
    if (this.#chunks.delete(chunk)) this.#bytesMapped -= chunk.size;
    invariant(this.#bytesIdle >= 0, 'the idle bytes of a pool are not less than none');
    invariant(this.#bytesIdle <= this.#bytesMapped, 'the idle bytes of a pool are mapped');
    chunk.drop();
  }

  get #sums(): PoolSums {
    return {
      chunks: this.#chunks,
      idle: this.#idle,
      bytesMapped: this.#bytesMapped,
      bytesIdle: this.#bytesIdle,
      current: this.#current,
      position: this.#position,
    };
  }
}
