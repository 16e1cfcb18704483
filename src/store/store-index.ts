import { CoarseClock, now } from '../base/clock.ts';
import { Coalescer } from '../base/coalescer.ts';
import { IoliteError } from '../base/error.ts';
import { invariant } from '../base/invariant.ts';
import type { Json } from '../base/json.ts';
import type { Channel } from '../ipc/channel.ts';
import type { Message } from '../ipc/message.ts';
import { Invalidations } from './invalidations.ts';
import {
  type Departures,
  decodeVersion,
  type Greeting,
  StoreRequest,
  type VersionHead,
} from './store-protocol.ts';
import type { ContentFacts, StoredVersion } from './stored-version.ts';

/** A version in the index. */
export class IndexEntry<F extends ContentFacts> {
  readonly held: StoredVersion<F>;
  /** Which owner it came from. */
  readonly session: Session;
  /** When it was last known to be right, by the machine's clock. */
  checkedAt: number;
  /** How often it was used since the last report. */
  used = 0;
  /** Whether it was used since the last look for what is not. */
  recent = true;

  constructor(held: StoredVersion<F>, session: Session, checkedAt: number) {
    this.held = held;
    this.session = session;
    this.checkedAt = checkedAt;
  }
}

/** The time under one owner. */
interface Session {
  readonly channel: Channel;
  /** What the owner has said last. */
  greeting: Greeting;
}

/** A question to the owner that is not answered yet, and what has overtaken the answer. */
interface Question {
  /** Whether the key was invalidated since it was asked for. */
  invalidated: boolean;
  /** The last version under the key that the owner said it has left; 0: none. */
  left: number;
}

/** Counters of an index. */
export interface IndexStats {
  readonly entries: number;
  readonly bytes: number;
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
}

/**
 * A part of `maxStale` after which uses are reported, and the answer renews what was used; within these
 * bounds, in ms.
 */
const REPORT_PART = 1 / 4;
const MIN_REPORT_MS = 10;
const MAX_REPORT_MS = 250;
/** Most uses in one report. */
const MAX_REPORTED_USES = 10_000;
/** Versions that were not used for so long, in ms, or up to twice that, are dropped. */
const IDLE_MS = 10_000;

/**
 * What an attached domain knows of a store that another domain owns: versions that it was given, by key. To
 * find one costs no message. The owner tells which it has left; uses are reported to it late and in batches,
 * and its answers renew what is used, so that what is used all the time is never asked for again.
 *
 * If the owner dies, what is held goes on being found, whatever its age.
 */
export class StoreIndex<F extends ContentFacts> {
  readonly #name: string;
  readonly #onDetached: (reason: Error | undefined) => void;
  readonly #entries = new Map<string, IndexEntry<F>>();
  readonly #loads = new Coalescer<StoredVersion<F>>(
    held => held.retain(),
    held => held.release(),
  );
  readonly #clock = new CoarseClock();
  #session: Session | undefined;
  #maxStale = 0;
  /** By key, each as long as it is not answered. */
  readonly #questions = new Map<string, Question>();
  readonly #invalidations = new Invalidations();
  #touched: IndexEntry<F>[] = [];
  readonly #forgotten = new Set<number>();
  /** How many of our holders the owner keeps something for, by serial. */
  readonly #pinned = new Map<number, number>();
  readonly #pinnedIn = new WeakMap<StoredVersion<F>, Session>();
  #reportTimer: NodeJS.Timeout | undefined;
  #lastSweep = 0;
  #bytes = 0;
  #hits = 0;
  #misses = 0;
  #evictions = 0;
  #closed = false;

  /** @param onDetached called when the owner is gone, or closes its store */
  constructor(name: string, onDetached: (reason: Error | undefined) => void) {
    this.#name = name;
    this.#onDetached = onDetached;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get attached(): boolean {
    return this.#session !== undefined;
  }

  /** Bytes that the owner keeps at most. */
  get budget(): number {
    return this.#session?.greeting.budget ?? this.#bytes;
  }

  /**
   * Attaches to the store of the domain at the other end of a channel. What came from another owner stays
   * until it is asked for again. @throws ERR_IOLITE_PEER, or what the peer answers if it serves no such store
   */
  async attach(channel: Channel): Promise<void> {
    const { head } = await channel.request({ head: this.#request(StoreRequest.ATTACH) });
    const session: Session = { channel, greeting: head as unknown as Greeting };
    this.#session = session;
    this.#maxStale = session.greeting.maxStale;
    void this.#watch(session);
  }

  /**
   * What is held under a key and was known to be right less than `maxStale` ago; the caller retains it if it
   * keeps it.
   */
  peek(key: string): StoredVersion<F> | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const maxStale = this.#session === undefined ? Number.POSITIVE_INFINITY : this.#maxStale;
    if (this.#clock.now(maxStale) - entry.checkedAt >= maxStale) return undefined;
    this.#hits += 1;
    entry.used += 1;
    if (entry.used === 1) this.#touch(entry);
    return entry.held;
  }

  /**
   * What is under a key, from the owner. @returns a reference, which the caller releases
   * @throws as the owner says; ERR_IOLITE_PEER when it is gone and nothing is held
   */
  async ask(key: string, signal?: AbortSignal): Promise<StoredVersion<F>> {
    this.#misses += 1;
    const since = Math.max(now() - this.#maxStale, this.#invalidations.of(key));
    return this.#loads.run(key, () => this.#ask(key), { since, signal });
  }

  /** Drops what is held under a key; what is asked for next is not older than now. */
  invalidate(key: string): void {
    this.#invalidations.add(key, now());
    const question = this.#questions.get(key);
    if (question !== undefined) question.invalidated = true;
    this.#forgetKey(key);
  }

  /** Whether a version came from the owner that is attached now. */
  isCurrent(held: StoredVersion<F>): boolean {
    return this.#session !== undefined && this.#pinnedIn.get(held) === this.#session;
  }

  stats(): IndexStats {
    const [hits, misses, evictions] = [this.#hits, this.#misses, this.#evictions];
    return { entries: this.#entries.size, bytes: this.#bytes, hits, misses, evictions };
  }

  close(): void {
    if (this.#closed) return;
    for (const entry of [...this.#entries.values()]) this.#forget(entry);
    this.#closed = true;
    this.#clock.stop();
    clearTimeout(this.#reportTimer);
    void this.#report();
  }

  #request(type: string, rest: { readonly [name: string]: Json } = {}): Json {
    return { type: `${this.#name}.${type}`, ...rest };
  }

  // Asking

  async #ask(key: string): Promise<StoredVersion<F>> {
    const session = this.#session;
    if (session === undefined) return this.#withoutOwner(key);
    const question: Question = { invalidated: false, left: 0 };
    this.#questions.set(key, question);
    let held: StoredVersion<F> | undefined;
    try {
      const answer = await session.channel.request({
        head: this.#request(StoreRequest.READ, { key, ...this.#knownOf(key, session) }),
      });
      held = this.#take(key, answer, session, question);
    } catch (error) {
      if (session.channel.closed && this.#entries.has(key)) return this.#withoutOwner(key);
      this.#forgetKey(key);
      throw error;
    } finally {
      this.#questions.delete(key);
    }
    // 'The same as you have', and the owner's word to drop that has overtaken it.
    return held ?? this.#ask(key);
  }

  /** What the owner is to know of what is here under a key. */
  #knownOf(key: string, session: Session): { have?: number; current?: boolean } {
    const present = this.#entries.get(key);
    if (present?.session === session) return { have: present.held.serial };
    // What is asked for now is not older than `maxStale` in any case.
    const isTooOld = this.#invalidations.of(key) > now() - this.#maxStale;
    return present !== undefined || isTooOld ? { current: true } : {};
  }

  /** @returns a reference for the asker; undefined when the answer is 'the same' and that was dropped */
  #take(
    key: string,
    answer: Message,
    session: Session,
    { invalidated, left }: Question,
  ): StoredVersion<F> | undefined {
    if (!invalidated) this.#invalidations.settle(key);
    const { same, checkedAt, keep, pinned } = answer.head as unknown as VersionHead & { same?: true };
    if (same === true) {
      const present = this.#entries.get(key);
      if (present === undefined) return undefined;
      present.checkedAt = Math.max(present.checkedAt, checkedAt);
      return present.held.retain();
    }
    const held = decodeVersion<F>(key, answer);
    this.#forgotten.delete(held.serial);
    if (pinned) this.#pin(held);
    if (!keep || left >= held.serial) return held;
    this.#remove(key);
    const isFull = this.#bytes + held.size > session.greeting.budget;
    if (invalidated || isFull || this.#closed || this.#session !== session) {
      this.#tellUnkept(held);
      return held;
    }
    this.#entries.set(key, new IndexEntry(held.retain(), session, checkedAt));
    this.#bytes += held.size;
    return held;
  }

  /** The owner cannot be asked. What is held is still right as far as anybody here can know. */
  #withoutOwner(key: string): StoredVersion<F> {
    const present = this.#entries.get(key);
    if (present !== undefined) return present.held.retain();
    throw new IoliteError('ERR_IOLITE_PEER', `Cannot read ${key}: the owner of the cache is gone`);
  }

  /** The owner keeps a file open, or the like, as long as anybody here holds the version. */
  #pin(held: StoredVersion<F>): void {
    const { serial } = held;
    const session = this.#session;
    if (session !== undefined) this.#pinnedIn.set(held, session);
    this.#pinned.set(serial, (this.#pinned.get(serial) ?? 0) + 1);
    held.onEnd = () => {
      const left = (this.#pinned.get(serial) ?? 1) - 1;
      if (left > 0) this.#pinned.set(serial, left);
      else {
        this.#pinned.delete(serial);
        if (session === this.#session) this.#tellForgotten(serial);
      }
    };
  }

  // What the owner says

  /** Keeps one question open that the owner answers when it has left versions. */
  async #watch(session: Session): Promise<void> {
    let reason: Error | undefined;
    try {
      for (;;) {
        const { head } = await session.channel.request({ head: this.#request(StoreRequest.WATCH) });
        if (this.#session !== session || this.#closed) return;
        const { left = [], budget, closed } = head as Departures;
        if (typeof budget === 'number') session.greeting = { ...session.greeting, budget };
        for (const [key, serial] of left) this.#left(key, serial, session);
        if (closed === true) break;
      }
    } catch (error) {
      reason = error as Error;
    }
    if (this.#session !== session) return;
    this.#session = undefined;
    this.#pinned.clear();
    this.#forgotten.clear();
    if (!this.#closed) this.#onDetached(reason);
  }

  #left(key: string, serial: number, session: Session): void {
    const question = this.#questions.get(key);
    if (question !== undefined) question.left = serial;
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.session !== session || entry.held.serial > serial) return;
    this.#remove(key);
    this.#evictions += 1;
  }

  // What the owner is told

  #touch(entry: IndexEntry<F>): void {
    entry.recent = true;
    this.#touched.push(entry);
    this.#scheduleReport();
  }

  /** A version was dropped, or never kept. One that is pinned is reported when nobody here holds it. */
  #tellUnkept({ serial }: StoredVersion<F>): void {
    if (!this.#pinned.has(serial)) this.#tellForgotten(serial);
  }

  #tellForgotten(serial: number): void {
    this.#forgotten.add(serial);
    // A closed index has nothing to wait for, and there is no next report.
    if (this.#closed) void this.#report();
    else this.#scheduleReport();
  }

  #scheduleReport(): void {
    if (this.#closed) return;
    const delay = Math.min(MAX_REPORT_MS, Math.max(MIN_REPORT_MS, this.#maxStale * REPORT_PART));
    this.#reportTimer ??= setTimeout(() => {
      this.#reportTimer = undefined;
      void this.#report();
    }, delay).unref();
  }

  async #report(): Promise<void> {
    const session = this.#session;
    const touched = this.#touched.splice(0, MAX_REPORTED_USES);
    const ours = touched.filter(entry => entry.session === session);
    const used = ours.map(({ held, used: times }) => [held.serial, times]);
    for (const entry of touched) entry.used = 0;
    if (this.#touched.length > 0) this.#scheduleReport();
    if (session === undefined) return;
    this.#forgetIdle(session);
    const forgot = [...this.#forgotten];
    this.#forgotten.clear();
    if (used.length === 0 && forgot.length === 0) return;
    try {
      const { head } = await session.channel.request({
        head: this.#request(StoreRequest.REPORT, { used, forgot }),
      });
      const { checked } = head as { checked: number[] };
      for (const [index, entry] of ours.entries())
        entry.checkedAt = Math.max(entry.checkedAt, checked[index] ?? 0);
    } catch {
      // The channel is closed, which the open question tells as well.
    }
  }

  /** Drops what was not used for a while, so that it does not count as being in use. */
  #forgetIdle(session: Session): void {
    const time = now();
    if (time - this.#lastSweep < IDLE_MS) return;
    this.#lastSweep = time;
    for (const entry of [...this.#entries.values()]) {
      if (!entry.recent && entry.session === session) this.#forget(entry);
      entry.recent = false;
    }
  }

  #forgetKey(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#forget(entry);
  }

  #forget(entry: IndexEntry<F>): void {
    if (entry.session === this.#session) this.#tellUnkept(entry.held);
    this.#remove(entry.held.key);
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.held.size;
    invariant(this.#bytes >= 0, 'who leaves an index was counted in it');
    entry.held.release();
  }
}
