import { randomInt } from 'node:crypto';
import type { Aggregate } from '../aggregate/aggregate.ts';
import { createPool, type Pool } from '../aggregate/pool.ts';
import { IoliteError } from '../base/error.ts';
import { CHECKED, invariant } from '../base/invariant.ts';
import { SteadyMap } from '../base/maps/steady-map.ts';
import { type Audience, Audiences } from '../memory/audience.ts';
import { eventChannel } from '../observe/events.ts';
import { Beside } from './beside.ts';
import { Entry } from './entry.ts';
import type { CachePolicy } from './policy.ts';
import { RoomMaker, SPARE_SEGMENTS } from './room-maker.ts';
import type { ContentRoom } from './space/content-room.ts';
import { SegmentSpace } from './space/segment-space.ts';
import type { ChunkView } from './space/space-stats.ts';
import { reachable, StoreBounds } from './store-bounds.ts';
import { type InvalidatedBy, noteInvalidation } from './store-events.ts';
import { type AttachedIndex, allApplied, type StoreListener } from './store-listener.ts';
import type { StoreOptions, StoreStats } from './store-options.ts';
import { type ContentFacts, StoredVersion, type VersionParts } from './stored-version.ts';
import type { Term } from './term.ts';

const filled = eventChannel('iolite:cache:fill');
const evictions = eventChannel('iolite:cache:evict');

/**
 * Contents under keys, in one memory that other domains map: what caches of files, and of anything else that
 * has bytes and facts, have in common. It keeps within its budget by a policy, which is asked who goes.
 *
 * The budget bounds physical memory: chunks with their headers, dead bytes, contents being filled, and chunks
 * that the store has left and others lease still; and the heap where it counts. So room may be refused; then
 * the content is for {@link outside}, which is bounded too: by four times the budget, and 64 MiB at least.
 */
export class Store<F extends ContentFacts = ContentFacts, L = undefined> {
  /** How much memory it may have. */
  readonly bounds: StoreBounds;
  /** Who may see contents: those of one audience lie in memory of their own. */
  readonly audiences = new Audiences();
  readonly listeners = new Set<StoreListener>();
  /** Told of each entry that is not there any more, before another one is under its key. */
  onRemoved: (entry: Entry<F, L>) => void = () => {};
  /** Told of each entry that has come, or has another version: its content may lie in another place. */
  onPlaced: (entry: Entry<F, L>) => void = () => {};
  /** Other domains, which are told too. */
  readonly attached = new Set<AttachedIndex>();
  /** As in the {@link stats}. */
  evictions = 0;
  uncached = 0;
  readonly #policy: CachePolicy;
  readonly #pool: Pool;
  readonly #ownsPool: boolean;
  /** For what the budget has no room for, by audience. Made when first needed. */
  readonly #beside: Beside;
  readonly #space: SegmentSpace<Entry<F, L>>;
  readonly #room: RoomMaker<F, L>;
  readonly #entries = new SteadyMap<string, Entry<F, L>>();
  readonly #heapOf: (key: string, facts: F) => number;
  readonly #bySerial = new Map<number, Entry<F, L>>();
  /** Begins anywhere, so that no version of this store is taken for one of another. */
  #serial = randomInt(2 ** 20) * 2 ** 32;
  #bytes = 0;
  #closed = false;

  /**
   * @param pool where contents are put. Default: one of the store's own, for processes of the same user
   * @param governor bounds it further while memory is short. Default: none does
   */
  constructor({ budget, policy, pool, governor, heapOf = () => 0 }: StoreOptions<F>) {
    this.#policy = policy;
    this.#heapOf = heapOf;
    this.#pool = pool ?? createPool({ name: 'cache', limit: Math.max(budget, 8192) });
    this.#ownsPool = pool === undefined;
    this.#beside = new Beside(this.#pool);
    this.#space = new SegmentSpace(this.#pool.chunks, reachable(budget, governor));
    this.#room = new RoomMaker<F, L>(this.#space, this.#policy, {
      remove: entry => this.#remove(entry, true),
      exchange: (entry, parts) => this.#exchange(entry, parts),
    });
    const reclaim = (): void => void this.#room.make(0);
    const bounded = { space: this.#space, pool: this.#pool.chunks, ownsPool: this.#ownsPool, reclaim };
    this.bounds = new StoreBounds(bounded, budget, governor);
  }

  get budget(): number {
    return this.bounds.budget;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * How many bytes a part of a large content best has: those of a segment. 0 when the budget admits nothing.
   */
  get segmentBytes(): number {
    return this.#space.segmentBytes;
  }

  get(key: string): Entry<F, L> | undefined {
    return this.#entries.get(key);
  }

  /** The entry whose present version this is. */
  bySerial(serial: number): Entry<F, L> | undefined {
    return this.#bySerial.get(serial);
  }

  entries(): IterableIterator<Entry<F, L>> {
    return this.#entries.values();
  }

  /** A number for a version: higher than all before. */
  nextSerial(): number {
    this.#serial += 1;
    return this.#serial;
  }

  /**
   * Room for content of `length` bytes: fill its pieces, then {@link put} or {@link cancel} it. Makes room if
   * it has to, by evicting and cleaning.
   * @param key where the policy is to say whether it is worth that. Default: it is
   * @param audience who may see it. Default: those who may see all
   * @returns undefined when the budget has no room, for now or for content of this size at all, or when the
   *   policy does not admit it
   */
  allocate(length: number, key?: string, audience = this.audiences.none): ContentRoom | undefined {
    return this.#withRoom(length, key, () => this.#space.allocate(length, SPARE_SEGMENTS, audience));
  }

  /**
   * Room as {@link allocate} gives it, for a content that is in memory already, and filled with it: by its
   * own buffers, where nothing else lies with them and the store would give out such memory itself, and by a
   * copy of the rest. The caller keeps the content.
   * @returns undefined also for a content that somebody could still change
   */
  adopt(content: Aggregate, key: string, audience: Audience): ContentRoom | undefined {
    return this.#withRoom(content.length, key, () => this.#space.adopt(content, SPARE_SEGMENTS, audience));
  }

  /**
   * Whether there is room that costs nobody his, or the policy admits a content at the price of others.
   * @param uses how often it was used since that was last asked
   */
  admits(length: number, key: string, uses = 1): boolean {
    return this.#space.free > this.#room.ahead || this.#policy.admit?.({ key, size: length }, uses) !== false;
  }

  cancel(room: ContentRoom): void {
    if (!this.#closed) this.#space.cancel(room);
  }

  /** Changes the budget: see {@link StoreBounds}. The policy and those attached follow. */
  resize(budget: number): void {
    this.#checkOpen();
    this.#policy.resized?.(budget);
    this.bounds.resize(budget);
    for (const index of this.attached) index.resized(budget);
  }

  /**
   * Keeps content that was filled into `room`, in place of what is under the key.
   * @returns the entry, whose version the store holds: who uses it retains it
   */
  put(key: string, facts: F, local: L, room: ContentRoom | undefined): Entry<F, L> {
    this.#checkOpen();
    this.remove(key);
    const entry = new Entry<F, L>(key, local);
    const content = room === undefined ? undefined : this.#space.commit(room, entry);
    entry.held = new StoredVersion<F>(key, this.nextSerial(), facts, content);
    this.#measure(entry);
    this.#entries.set(key, entry);
    this.#bySerial.set(entry.held.serial, entry);
    this.#policy.added(entry);
    this.onPlaced(entry);
    if (filled.hasSubscribers) filled.publish({ key, bytes: entry.held.size });
    // What came into the heap may cost others their place; it is no content that waits for room.
    if (entry.heap > 0) this.#room.make(this.#room.ahead);
    return entry;
  }

  /**
   * Adds to what is kept of a version: other facts, another form of its content. Who holds the version as it
   * was keeps it so; who asks again gets what there is now, under a new serial.
   */
  amend(
    entry: Entry<F, L>,
    { facts, form }: { facts?: F; form?: { name: string; room: ContentRoom } },
  ): void {
    // Of a version with something kept for its holders there is one object only.
    if (this.#entries.get(entry.key) !== entry || entry.held.onEnd !== undefined) {
      if (form !== undefined) this.cancel(form.room);
      return;
    }
    const { held } = entry;
    const forms = new Map([...held.forms].map(([name, content]) => [name, content.duplicate()]));
    if (form !== undefined) {
      const before = forms.get(form.name);
      if (before !== undefined) {
        this.#space.leave(before.slices(), entry);
        before.release();
      }
      forms.set(form.name, this.#space.commit(form.room, entry));
    }
    this.#exchange(entry, { facts: facts ?? held.facts, content: held.shareContent(), forms });
    if (entry.size === entry.held.size + this.#heapOf(entry.key, entry.held.facts)) return;
    // To a policy an entry has one size: so this is another.
    this.#policy.removed(entry, false);
    this.#measure(entry);
    this.#policy.added(entry);
    this.#policy.hit(entry);
    if (entry.heap > 0) this.#room.make(this.#room.ahead);
  }

  /**
   * Has attached domains give up an entry, which stays. @returns false where it cannot: of a version with
   * something kept for its holders there is one object only
   */
  withdraw(entry: Entry<F, L>): boolean {
    const { held } = entry;
    if (this.#entries.get(entry.key) !== entry || held.onEnd !== undefined) return false;
    const forms = new Map([...held.forms].map(([name, content]) => [name, content.duplicate()]));
    this.#exchange(entry, { facts: held.facts, content: held.shareContent(), forms });
    return true;
  }

  /**
   * Puts what is kept of an entry into memory of another audience, by copying it there. Attached domains give
   * up the version they had. @returns false when there is no room
   */
  moveTo(audience: Audience, entry: Entry<F, L>): boolean {
    const { held } = entry;
    if (this.#entries.get(entry.key) !== entry || held.onEnd !== undefined) return false;
    this.#room.make(SPARE_SEGMENTS + Math.ceil(entry.size / Math.max(1, this.#space.segmentBytes)));
    // To make room may have evicted it, or moved it.
    if (this.#entries.get(entry.key) !== entry || entry.held !== held) return false;
    let isMoved = true;
    const moved = held.moved(slices => {
      const content = this.#space.move(slices, entry, audience);
      if (content === undefined) isMoved = false;
      return content;
    });
    this.#exchange(entry, moved);
    return isMoved;
  }

  /** An entry was used, here or in an attached domain. */
  hit(entry: Entry<F, L>): void {
    entry.uses += 1;
    if (!this.#closed) this.#policy.hit(entry);
  }

  /** Forgets what is under the key. Who holds it keeps it. */
  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#remove(entry, false);
  }

  /** Forgets what is under the key, if something is: it is not right any more. @param by what has told so */
  invalidate(key: string, by: InvalidatedBy): void {
    if (this.#entries.has(key)) noteInvalidation(by);
    this.remove(key);
  }

  /**
   * A pool beside the budget, for content that it has no room for: to be given out, and not kept.
   * @param wanted whether it would have been kept if there had been room: then it is counted
   * @param audience as of {@link allocate}
   * @throws ERR_IOLITE_LIMIT when such contents, held here or in attached domains, take too much already
   */
  outside(wanted = true, audience = this.audiences.none): Pool {
    this.#checkOpen();
    if (wanted) this.uncached += 1;
    const pool = this.#beside.pool(audience);
    if (wanted) this.#beside.check(this.budget);
    return pool;
  }

  /**
   * Drops this process's page table entries of what was just filled, if other domains are attached: it is
   * they who read then, and entries here would be for nothing.
   */
  forgetPages(held: StoredVersion<F>): void {
    if (this.attached.size > 0) this.#space.forgetPages(held.slices());
  }

  /** A term has another end: all domains that were given versions of it are told. */
  renewed(term: Term): void {
    for (const index of this.attached) index.renewed(term);
  }

  /**
   * When all attached domains have given up what has left by now: from then on they give it to nobody.
   * @throws ERR_IOLITE_BUSY where some do not say so within ten seconds
   */
  async applied(): Promise<void> {
    await allApplied(this.attached);
  }

  stats(): StoreStats {
    this.#beside.trim();
    const space = this.#space.stats();
    if (CHECKED) this.#checkSums(space.live);
    return {
      policy: this.#policy.name,
      entries: this.#entries.size,
      bytes: this.#bytes,
      budget: this.budget,
      allowance: this.bounds.allowance,
      evictions: this.evictions,
      cleanings: this.#room.cleanings,
      uncached: this.uncached,
      beside: this.#beside.bytes,
      ...space,
    };
  }

  /** Its chunks, each by itself. O(chunks); the first time a look at the kernel for each. */
  chunks(): ChunkView[] {
    return this.#space.views();
  }

  close(): void {
    if (this.#closed) return;
    this.bounds.close();
    // What goes may take others with it.
    for (const key of [...this.#entries.keys()]) this.remove(key);
    this.#closed = true;
    this.#space.close();
    this.#beside.close();
    if (this.#ownsPool) this.#pool.close();
    for (const index of [...this.attached]) index.closed();
  }

  #withRoom(
    length: number,
    key: string | undefined,
    take: () => ContentRoom | undefined,
  ): ContentRoom | undefined {
    this.#checkOpen();
    this.bounds.before(length);
    const wanted = this.#space.segmentBytes === 0 ? 1 : Math.ceil(length / this.#space.segmentBytes);
    if (length > 0 && wanted > this.#space.capacity - SPARE_SEGMENTS) return undefined;
    if (key !== undefined && !this.admits(length, key)) return undefined;
    const room = take() ?? (this.#room.make(wanted + SPARE_SEGMENTS) ? take() : undefined);
    // The next content need not wait for others to give up theirs.
    if (room !== undefined) this.#room.make(this.#room.ahead);
    return room;
  }

  #remove(entry: Entry<F, L>, evicted: boolean): void {
    const { held } = entry;
    this.#entries.delete(entry.key);
    entry.isKept = false;
    this.#bytes -= entry.size - entry.heap;
    this.#space.heap -= entry.heap;
    invariant(this.#bytes >= 0 && this.#space.heap >= 0, 'who leaves a store was counted in it');
    if (evicted) this.#evicted(entry);
    this.#policy.removed(entry, evicted);
    this.#space.leave(held.slices(), entry);
    for (const form of held.forms.values()) this.#space.leave(form.slices(), entry);
    this.onRemoved(entry);
    this.#left(held, false);
  }

  #evicted({ key, held: { size } }: Entry<F, L>): void {
    this.evictions += 1;
    if (evictions.hasSubscribers) evictions.publish({ key, bytes: size });
  }

  /** Counts what an entry costs now in place of what it did. */
  #measure(entry: Entry<F, L>): void {
    const { key, held } = entry;
    const heap = this.#heapOf(key, held.facts);
    this.#bytes += held.size - (entry.size - entry.heap);
    this.#space.heap += heap - entry.heap;
    entry.heap = heap;
    entry.size = held.size + heap;
  }

  /** Gives an entry another version object, of the same version. */
  #exchange(entry: Entry<F, L>, { facts, content, forms }: VersionParts<F>): void {
    const before = entry.held;
    entry.held = new StoredVersion<F>(entry.key, this.nextSerial(), facts, content, forms, before);
    this.#bySerial.set(entry.held.serial, entry);
    this.onPlaced(entry);
    this.#left(before, true);
  }

  #left(held: StoredVersion<F>, stays: boolean): void {
    this.#bySerial.delete(held.serial);
    for (const listener of this.listeners) listener.left(held, stays);
    for (const index of this.attached) index.left(held, stays);
    held.release();
  }

  /** @param live bytes that segments count as the cache's */
  #checkSums(live: number): void {
    let [bytes, heapBytes] = [0, 0];
    for (const { held, size, heap } of this.#entries.values()) {
      invariant(size === held.size + heap, 'an entry counts the bytes of its version, and of heap');
      invariant(this.#bySerial.get(held.serial)?.held === held, 'an entry is found by its version');
      bytes += held.size;
      heapBytes += heap;
    }
    invariant(heapBytes === this.#space.heap, 'the heap that counts is that of the entries');
    invariant(this.#bySerial.size === this.#entries.size, 'each entry has one present version');
    invariant(bytes === this.#bytes && bytes === live, 'the bytes of entries are those that are live');
  }

  #checkOpen(): void {
    if (this.#closed) throw new IoliteError('ERR_IOLITE_CLOSED', 'Cannot keep content: the store is closed');
  }
}
