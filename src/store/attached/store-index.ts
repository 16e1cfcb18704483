import type { WaitSignal } from '../../base/abortable.ts';
import { CoarseClock, now } from '../../base/clock.ts';
import { Coalescer } from '../../base/coalescer.ts';
import { IoliteError } from '../../base/error.ts';
import { ignore } from '../../base/ignore.ts';
import { invariant } from '../../base/invariant.ts';
import type { Json } from '../../base/json.ts';
import { SteadyMap } from '../../base/maps/steady-map.ts';
import type { Channel } from '../../ipc/channel.ts';
import type { Message } from '../../ipc/message.ts';
import { noteInvalidation, tellMiss } from '../store-events.ts';
import {
  type Departure,
  decodeVersion,
  type FactsCheck,
  greetingOf,
  type News,
  StoreRequest,
  sameAsNothing,
  type VersionHead,
} from '../store-protocol.ts';
import type { ContentFacts, StoredVersion } from '../stored-version.ts';
import { type EntryUser, IndexEntry, Session, type SharedEnd } from './index-entry.ts';
import { IndexPins } from './index-pins.ts';
import { IndexReports, type ReportingIndex } from './index-reports.ts';
import { type IndexStats, IndexUses } from './index-uses.ts';
import { Invalidations } from './invalidations.ts';
import { Proposals } from './proposals.ts';
import { type Question, Questions } from './questions.ts';

/** Versions that were not used for so long, in ms, or up to twice that, are dropped. */
const IDLE_MS = 60_000;

/**
 * What an attached domain knows of a store that another domain owns: versions that it was given, by key. To
 * find one costs no message. The owner tells which it has left, and until when the others may be used, for
 * thousands at a time; uses are reported to it late and in batches.
 *
 * If the owner dies, what is held goes on being found, whatever its age.
 */
export class StoreIndex<F extends ContentFacts> implements EntryUser<F>, ReportingIndex {
  readonly #name: string;
  readonly #onDetached: (reason: Error | undefined) => void;
  readonly #areFacts: FactsCheck;
  /** Whether what is held is found without one: unless one has said that it ends. */
  #outlivesOwner = true;
  readonly #entries = new SteadyMap<string, IndexEntry<F>>();
  readonly #loads = new Coalescer<StoredVersion<F>>(
    held => held.retain(),
    held => held.release(),
  );
  readonly #clock = new CoarseClock();
  #session: Session | undefined;
  #hasBeenAttached = false;
  #maxStale = 0;
  #trustForwarded: boolean | readonly string[] = false;
  readonly #questions = new Questions();
  readonly #invalidations = new Invalidations();
  readonly #uses = new IndexUses<F>(held => this.#entries.get(held.key)?.held === held, this.#questions);
  readonly #pins = new IndexPins<F, Session>();
  readonly #reports: IndexReports<F>;
  /** What is had elsewhere. */
  readonly proposals: Proposals;
  #lastSweep = 0;
  #bytes = 0;
  #hits = 0;
  #misses = 0;
  #evictions = 0;
  #closed = false;

  /**
   * @param onDetached called when the owner is gone, or closes its store
   * @param areFacts of what an owner sends, which is trusted in nothing
   */
  constructor(
    name: string,
    onDetached: (reason: Error | undefined) => void,
    areFacts: FactsCheck = () => true,
  ) {
    this.#name = name;
    this.#onDetached = onDetached;
    this.#areFacts = areFacts;
    this.#reports = new IndexReports(name, this.#uses, this);
    this.proposals = new Proposals(name, this);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** For {@link IndexReports}. */
  get session(): Session | undefined {
    return this.#session;
  }

  get attached(): boolean {
    return this.#session !== undefined;
  }

  /** Milliseconds that a version may be used since it was last seen, where no changes are told of. */
  get maxStale(): number {
    return this.#maxStale;
  }

  /** In whose requests proxies in front say what the owner, or the last one there was, names by that. */
  get trustForwarded(): boolean | readonly string[] {
    return this.#trustForwarded;
  }

  /** Bytes that the owner keeps at most. */
  get budget(): number {
    return this.#session?.greeting.budget ?? this.#bytes;
  }

  /**
   * Attaches to the store of the domain at the other end of a channel. What came from another owner stays
   * until it is asked for again. @throws ERR_IOLITE_PEER, or what the peer answers if it serves no store
   */
  async attach(channel: Channel): Promise<void> {
    const greeting = greetingOf(await channel.request({ head: this.#request(StoreRequest.ATTACH) }));
    // What another owner has said was true before: nothing is to be older than that.
    const since = this.#hasBeenAttached ? now() : 0;
    const session = new Session(channel, greeting, since);
    this.#hasBeenAttached = true;
    this.#session = session;
    this.#maxStale = greeting.maxStale;
    this.#trustForwarded = greeting.trustForwarded ?? false;
    this.#outlivesOwner &&= !greeting.ends;
    this.#uses.clear();
    // Nobody tells of changes any more to what came from another owner.
    const end = now() + this.#maxStale;
    for (const entry of this.#entries.values()) entry.end = { until: Math.min(entry.end.until, end) };
    void this.#watch(session);
  }

  /** What is held under a key and may be used without a question; the caller retains what it keeps. */
  peek(key: string): StoredVersion<F> | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && this.use(entry) ? entry.held : undefined;
  }

  /** Whether something is held under a key, be it right or not. */
  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Whether the owner has, most likely, what is not held here any more: it costs a message, and no disk. */
  isElsewhere(key: string): boolean {
    return this.#session?.mayHave(key) === true;
  }

  /** Something was not found, and had elsewhere. */
  missed(): void {
    this.#misses += 1;
  }

  /**
   * As {@link peek}, for who asks for a key again and again.
   * @param memo of the index, for this key alone
   */
  peekAgain(key: string, memo: { entry: object | undefined }): StoredVersion<F> | undefined {
    const entry = this.#remembered(memo.entry) ?? this.#entries.get(key);
    memo.entry = entry;
    return entry !== undefined && this.use(entry) ? entry.held : undefined;
  }

  /** The entry of what {@link peekAgain} gave last for a memo, as long as it would be given again. */
  repeatable(memo: { readonly entry: object | undefined }): IndexEntry<F> | undefined {
    return this.#remembered(memo.entry);
  }

  #remembered(entry: object | undefined): IndexEntry<F> | undefined {
    return entry instanceof IndexEntry && entry.isIndexed && entry.index === this ? entry : undefined;
  }

  /** For {@link IndexEntry}. */
  use(entry: IndexEntry<F>): boolean {
    // A clock that lags is behind in a program that keeps the loop.
    const time = this.#outlivesOwner ? this.#clock.now(this.#maxStale) : now();
    if ((this.#session ?? !this.#outlivesOwner) && time >= entry.end.until) return false;
    this.#hits += 1;
    entry.used += 1;
    if (entry.used === 1) {
      this.#uses.touch(entry);
      this.#reports.schedule();
    }
    return true;
  }

  /**
   * What is under a key, from the owner. @returns a reference, which the caller releases
   * @throws as the owner says; ERR_IOLITE_PEER when it is gone and nothing is held
   */
  async ask(key: string, signal?: WaitSignal): Promise<StoredVersion<F>> {
    this.#misses += 1;
    tellMiss(key);
    const since = Math.max(this.#leastToJoin(), this.#invalidations.of(key), this.#questions.leftAt(key));
    return this.#loads.run(key, () => this.#ask(key), { since, signal });
  }

  /** Drops what is held under a key; what is asked for next is not older than now. */
  invalidate(key: string): void {
    this.#invalidations.add(key, now());
    this.#questions.invalidate(key);
    if (this.#entries.has(key)) noteInvalidation('call');
    this.#forgetKey(key);
  }

  /** Whether a version came from the owner that is attached now. */
  isCurrent(held: StoredVersion<F>): boolean {
    return this.#session !== undefined && this.#pins.ownerOf(held) === this.#session;
  }

  stats(): IndexStats {
    const counts = { hits: this.#hits, misses: this.#misses, evictions: this.#evictions };
    return { entries: this.#entries.size, bytes: this.#bytes, ...counts };
  }

  close(): void {
    if (this.#closed) return;
    for (const entry of [...this.#entries.values()]) this.#forget(entry);
    this.#reports.end();
    this.proposals.clear();
    this.#closed = true;
  }

  #request(type: string, rest: { readonly [name: string]: Json } = {}): Json {
    return { type: `${this.#name}.${type}`, ...rest };
  }

  /** Since when a question is good enough for who asks now. After all ends a change may be over unheard. */
  #leastToJoin(): number {
    const time = now();
    const isTold = this.#outlivesOwner || time < (this.#session?.latestEnd ?? 0);
    return isTold ? time - this.#maxStale : time;
  }

  async #ask(key: string): Promise<StoredVersion<F>> {
    const session = this.#session;
    if (session === undefined) return this.#withoutOwner(key);
    const question = this.#questions.begin(key);
    let held: StoredVersion<F> | undefined;
    try {
      const known = this.#knownOf(key, session);
      const head = this.#request(StoreRequest.READ, { key, ...known });
      const answer = await session.channel.request({ head });
      held = this.#take(key, answer, session, question);
      if (held === undefined && known.have === undefined) throw sameAsNothing(key);
    } catch (error) {
      if (session.channel.closed && this.#entries.has(key)) return this.#withoutOwner(key);
      this.#forgetKey(key);
      session.settle(key);
      throw error;
    } finally {
      this.#questions.end(key);
    }
    // 'The same as you have', and the owner's word to drop that has overtaken it.
    return held ?? this.#ask(key);
  }

  /** What the owner is to know of what is here under a key. */
  #knownOf(key: string, session: Session): { have?: number; since?: number } {
    const present = this.#entries.get(key);
    if (present?.session === session) return { have: present.held.serial };
    const since = present === undefined ? Math.max(this.#invalidations.of(key), session.since) : now();
    return since > 0 ? { since } : {};
  }

  /** @returns a reference for the asker; undefined when the answer is 'the same' and that was dropped */
  #take(
    key: string,
    answer: Message,
    session: Session,
    { invalidated, left }: Question,
  ): StoredVersion<F> | undefined {
    if (!invalidated) this.#invalidations.settle(key);
    const head = answer.head as unknown as (VersionHead & { same?: true }) | null | undefined;
    if (head?.same === true) {
      answer.body?.release();
      const present = this.#entries.get(key);
      if (present === undefined) return undefined;
      present.end = session.endOf(head.term, head.until);
      return present.held.retain();
    }
    const held = decodeVersion<F>(key, answer, this.#areFacts);
    const { until, term, keep, pinned } = head as VersionHead;
    const end = session.endOf(term, until);
    session.settle(key);
    if (pinned)
      this.#pins.add(held, this.#session, last => session === this.#session && this.#reports.forgot(last));
    if (!keep) {
      // What is here is older, and would be right again if the owner went.
      this.#forgetKey(key);
      return held;
    }
    this.#uses.given(held);
    this.#reports.schedule();
    if (left >= held.serial) return held;
    this.#remove(key);
    const isFull = this.#bytes + held.size > session.greeting.budget;
    if (invalidated || isFull || this.#closed || this.#session !== session) {
      this.#tellUnkept(held);
      return held;
    }
    this.#entries.set(key, new IndexEntry(held.retain(), session, end, this));
    this.#bytes += held.size;
    return held;
  }

  /** The owner cannot be asked. What is held is still right as far as anybody here can know. */
  #withoutOwner(key: string): StoredVersion<F> {
    const present = this.#entries.get(key);
    if (present !== undefined && (this.#outlivesOwner || now() < present.end.until))
      return present.held.retain();
    throw new IoliteError('ERR_IOLITE_PEER', `Cannot read ${key}: the owner of the cache is gone`);
  }

  // What the owner says

  /** Keeps one question open that the owner answers when it has left versions. */
  async #watch(session: Session): Promise<void> {
    let reason: Error | undefined;
    try {
      for (;;) {
        const { head } = await session.channel.request({ head: this.#request(StoreRequest.WATCH) });
        if (this.#session !== session || this.#closed) return;
        const { left = [], terms = [], budget, closed, over } = head as News;
        for (const [id, until] of terms) session.renew(id, until);
        if (typeof budget === 'number') session.greeting = { ...session.greeting, budget };
        for (const each of left) this.#left(each, session);
        if (over === true) this.#over(session);
        if (closed === true) break;
      }
    } catch (error) {
      reason = error as Error;
    }
    if (this.#session !== session) return;
    this.#session = undefined;
    for (const each of [this.#pins, this.#uses, this.proposals]) each.clear();
    if (!this.#closed) this.#onDetached(reason);
  }

  /** The owner changes what is held here and says so no more. */
  #over(session: Session): void {
    for (const entry of this.#outlivesOwner ? [] : [...this.#entries.values()])
      if (entry.session === session) this.#remove(entry.held.key);
    session.channel.request({ head: this.#request(StoreRequest.DETACH) }).catch(ignore);
  }

  #left([key, serial, stays]: Departure, session: Session): void {
    if (!stays) session.settle(key);
    this.#questions.left(key, serial);
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.session !== session || entry.held.serial > serial) return;
    this.#remove(key);
    if (stays) session.hasElsewhere(key);
    else this.#evictions += 1;
  }

  /** A version was dropped, or never kept. One that is pinned is reported when nobody here holds it. */
  #tellUnkept(held: StoredVersion<F>): void {
    if (!this.#pins.has(held.serial)) this.#reports.forgot(held);
  }

  /** For {@link IndexReports}. Drops what was not used for a while, so that it does not count as in use. */
  beforeReport(session: Session): void {
    const time = now();
    if (time - this.#lastSweep < IDLE_MS) return;
    this.#lastSweep = time;
    const used = new Set<SharedEnd>();
    for (const entry of [...this.#entries.values()]) {
      if (!entry.recent && entry.session === session) {
        this.#forget(entry);
        session.hasElsewhere(entry.held.key);
      } else used.add(entry.end);
      entry.recent = false;
    }
    session.keepTerms(used);
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
    entry.isIndexed = false;
    this.#bytes -= entry.held.size;
    invariant(this.#bytes >= 0, 'who leaves an index was counted in it');
    entry.held.release();
  }
}
