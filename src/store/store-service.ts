import { now } from '../base/clock.ts';
import { ArgumentError, describe, IoliteError } from '../base/error.ts';
import { invariant } from '../base/invariant.ts';
import type { Json } from '../base/json.ts';
import type { Message } from '../ipc/message.ts';
import type { Entry } from './entry.ts';
import { PinnedVersions } from './pinned-versions.ts';
import type { StoreListener } from './store-listener.ts';
import {
  type Departure,
  encodeVersion,
  type Greeting,
  type News,
  type Proposal,
  type ReadRequest,
  type Report,
  StoreRequest,
} from './store-protocol.ts';
import type { ContentFacts, StoredVersion } from './stored-version.ts';
import type { Term } from './term.ts';

/** Keys that have left and that an index has not asked about: with more it is detached. */
const MAX_UNTOLD_KEYS = 200_000;

/** What is told at once, so that it is a message, and no long one: the rest is when the index asks again. */
const MAX_TOLD_KEYS = 2000;
const MAX_TOLD_CHARACTERS = 64 * 1024;
const MAX_TOLD_TERMS = 10_000;

/** From so many terms on, those that have run out are looked for. */
const MANY_TERMS = 256;

/** Proposals of one message; and uses that count of each, whatever the index says. */
const MAX_PROPOSALS = 1024;
const MAX_PROPOSED_USES = 255;

/** What is found under a key. */
export interface FoundVersion<F extends ContentFacts> {
  /** A reference, which the caller releases. */
  readonly held: StoredVersion<F>;
  /** Until when it may be used without a question, by {@link now}. Counts where there is no term. */
  readonly until: number;
  /** What it shares its end with. */
  readonly term?: Term | undefined;
}

/** The domain that owns a store, as its services see it. */
export interface StoreOwner<F extends ContentFacts> {
  readonly greeting: Greeting;
  /**
   * What is under a key, from wherever the owner gets it.
   * @param since versions that were last known to be right before this time are too old; 0: what may be used
   *   by the owner's own rules is not
   * @param pinned of versions that the owner keeps something for: those this service has given out
   */
  find(
    key: string,
    since: number,
    root: string | undefined,
    pinned: PinnedVersions<F>,
  ): Promise<FoundVersion<F>> | FoundVersion<F>;
  /** The entry that has this version now. */
  bySerial(serial: number): Entry<F, unknown> | undefined;
  /**
   * Whether something would be kept that the domain that asks has from elsewhere. Default: yes.
   * @param uses how often it was used there since that was last asked
   * @param root as of {@link find}: of what it may not have it is told nothing, which is false
   */
  wouldKeep?(key: string, size: number, uses: number, root: string | undefined): boolean;
  /** A version was used in an attached domain. */
  used(entry: Entry<F, unknown>, times: number): void;
}

/** The owner's side of one index that is attached to its store. */
export class StoreService<F extends ContentFacts> implements StoreListener {
  readonly #name: string;
  /** Undefined when it is closed, so that who still refers to it holds nothing of the store. */
  #owner: StoreOwner<F> | undefined;
  readonly #root: string | undefined;
  /** What the index has, by serial. */
  readonly #given = new Map<number, Entry<F, unknown>>();
  /** What somebody uses there, by the serial that it had when it was given. */
  readonly #held = new Map<number, Entry<F, unknown>>();
  /** Terms of versions that were given, by their numbers: those that have run out go when they are many. */
  readonly #terms = new Map<number, Term>();
  #manyTerms = MANY_TERMS;
  readonly #pinned = new PinnedVersions<F>();
  /** What the index is still to be told of: by key, as it drops earlier versions with the last one. */
  readonly #left = new Map<string, Departure>();
  /** Terms that have another end, which the index is still to be told. */
  readonly #renewed = new Set<Term>();
  /** The budget that it is still to be told. */
  #budget: number | undefined;
  #watcher: ((answer: Message) => void) | undefined;
  /** Who waits until the index has done what it was told. */
  #waiting: (() => void)[] = [];
  #attached = false;
  /** The latest end that the index may know of anything that it has, also after it is detached. */
  #toldUntil = 0;

  /** @param name of the store in requests @param root passed on to {@link StoreOwner.find} */
  constructor(name: string, owner: StoreOwner<F>, root: string | undefined) {
    this.#name = name;
    this.#owner = owner;
    this.#root = root;
  }

  /** Answers a request of the index. @returns undefined for requests that are not for this store */
  handle(message: Message): Promise<Message> | Message | undefined {
    const head = message.head as Record<string, Json> | null | undefined;
    const type = head?.type;
    if (typeof type !== 'string' || !type.startsWith(`${this.#name}.`)) return undefined;
    message.body?.release();
    const owner = this.#owner;
    const asked = type.slice(this.#name.length + 1);
    if (asked === StoreRequest.WATCH) return this.#watch();
    if (asked === StoreRequest.DETACH) {
      this.#detach();
      this.#toldUntil = 0;
      this.#settle();
      return Promise.resolve({});
    }
    if (owner === undefined) return Promise.reject(closed(type));
    switch (asked) {
      case StoreRequest.ATTACH:
        // An index takes the place of one that was attached through the same channel before.
        this.#forgetAll();
        this.#settle();
        this.#attached = true;
        return Promise.resolve({ head: owner.greeting });
      case StoreRequest.READ:
        return this.#read(owner, head as unknown as ReadRequest);
      case StoreRequest.REPORT:
        return this.#report(owner, head as unknown as Report);
      case StoreRequest.PROPOSE:
        return this.#admittedOf(owner, (head as Record<string, Json>).proposals);
      default:
        return Promise.reject(new ArgumentError(`Cannot answer request: ${describe(type)} is unknown`));
    }
  }

  left({ key, serial }: StoredVersion, stays: boolean): void {
    // Who holds content that was moved holds what the entry has.
    if (!stays) this.#free(serial);
    const entry = this.#given.get(serial);
    if (entry === undefined) return;
    this.#given.delete(serial);
    letGo(entry);
    this.#left.set(key, [key, serial, stays]);
    this.#tell();
    if (this.#left.size > MAX_UNTOLD_KEYS) this.#detach();
  }

  /** A term has another end: the index is told, if it has versions of it. */
  renewed(term: Term): void {
    if (!this.#terms.has(term.id)) return;
    this.#renewed.add(term);
    this.#tell();
  }

  /** The store has another budget, which bounds the index. */
  resized(budget: number): void {
    if (!this.#attached) return;
    this.#budget = budget;
    this.#tell();
  }

  /**
   * When the index has done what it is told by now: it asks what is new then. Or when it is gone. One that is
   * detached as it does not listen still uses what it has. Undefined where all it knows has ended, and where
   * there is nothing that it does not know.
   */
  applied(): Promise<void> | undefined {
    // Nothing is to be told as long as it waits.
    if (this.#watcher !== undefined || now() >= this.#toldUntil) return undefined;
    return new Promise(resolve => this.#waiting.push(resolve));
  }

  #settle(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const settled of waiting) settled();
  }

  /** The index does not listen: it is told that all is over when it does, and may attach again. */
  #detach(): void {
    this.#attached = false;
    this.#forgetAll();
  }

  /** The index is gone, or the store is. */
  close(): void {
    this.#owner = undefined;
    this.#attached = false;
    this.#forgetAll();
    this.#toldUntil = 0;
    this.#settle();
  }

  #forgetAll(): void {
    for (const entry of this.#given.values()) letGo(entry);
    this.#given.clear();
    for (const serial of [...this.#held.keys()]) this.#free(serial);
    this.#terms.clear();
    this.#renewed.clear();
    this.#pinned.clear();
    this.#left.clear();
    this.#budget = undefined;
    this.#watcher?.({ head: { closed: true } });
    this.#watcher = undefined;
  }

  async #read(owner: StoreOwner<F>, { key, have, since }: ReadRequest): Promise<Message> {
    if (typeof key !== 'string')
      throw new ArgumentError(`Cannot read from cache: a key is wanted, ${describe(key)} was given`);
    const seenAfter = typeof since === 'number' ? Math.min(since, now()) : 0;
    const { held, until, term } = await owner.find(key, seenAfter, this.#root, this.#pinned);
    try {
      // An index that is not attached would not be told what to let go of: so it is to keep nothing.
      const entry = this.#attached ? owner.bySerial(held.serial) : undefined;
      // To put off the end of others, it has to have been told first of all that is not right.
      const shared = this.#left.size === 0 ? term : undefined;
      const validity = { until: term?.until ?? until, term: shared?.id ?? 0 };
      this.#toldUntil = Math.max(this.#toldUntil, validity.until);
      if (entry !== undefined && shared !== undefined) this.#addTerm(shared);
      if (held.serial === have && this.#given.has(have)) return { head: { same: true, ...validity } };
      if (entry !== undefined) this.#give(held.serial, entry);
      if (held.onEnd !== undefined && this.#attached) this.#pinned.pin(held);
      return encodeVersion(held, { ...validity, keep: entry !== undefined });
    } finally {
      held.release();
    }
  }

  #addTerm(term: Term): void {
    this.#terms.set(term.id, term);
    if (this.#terms.size < this.#manyTerms) return;
    const time = now();
    for (const [id, { until }] of this.#terms) if (until <= time) this.#terms.delete(id);
    this.#manyTerms = Math.max(MANY_TERMS, 2 * this.#terms.size);
  }

  /** The index has it from now on, and whoever asked for it uses it. */
  #give(serial: number, entry: Entry<F, unknown>): void {
    if (!this.#given.has(serial)) {
      this.#given.set(serial, entry);
      entry.indexes += 1;
    }
    this.#hold(serial, entry);
  }

  #report(owner: StoreOwner<F>, { used, forgot, held = [], freed = [] }: Report): Message {
    if (![forgot, held, freed].every(isListOfNumbers) || !Array.isArray(used) || !used.every(isUse))
      throw new ArgumentError('Cannot answer report: lists of what was used and forgotten are wanted');
    for (const serial of forgot) this.#forget(serial);
    for (const serial of held) {
      const entry = this.#given.get(serial);
      if (entry !== undefined) this.#hold(serial, entry);
    }
    for (const serial of freed) this.#free(serial);
    for (const [serial, times] of used) {
      const entry = this.#given.get(serial);
      if (entry !== undefined) owner.used(entry, times);
    }
    return {};
  }

  /** Which of them are worth being asked for. */
  #admittedOf(owner: StoreOwner<F>, proposals: unknown): Message {
    if (!Array.isArray(proposals) || proposals.length > MAX_PROPOSALS || !proposals.every(isProposal))
      throw new ArgumentError('Cannot answer proposals: a list of keys, sizes and uses is wanted');
    const admitted: number[] = [];
    for (const [place, [key, size, uses]] of proposals.entries()) {
      const known = Math.min(uses, MAX_PROPOSED_USES);
      if (owner.wouldKeep?.(key, size, known, this.#root) !== false) admitted.push(place);
    }
    return { head: { admitted } };
  }

  #hold(serial: number, entry: Entry<F, unknown>): void {
    if (this.#held.has(serial)) return;
    this.#held.set(serial, entry);
    entry.holders += 1;
  }

  #free(serial: number): void {
    const entry = this.#held.get(serial);
    if (entry === undefined) return;
    this.#held.delete(serial);
    entry.holders -= 1;
    invariant(entry.holders >= 0, 'who no longer holds an entry held it');
  }

  #forget(serial: number): void {
    const entry = this.#given.get(serial);
    if (entry !== undefined) letGo(entry);
    this.#given.delete(serial);
    this.#pinned.drop(serial);
  }

  #watch(): Promise<Message> {
    return new Promise(resolve => {
      // An index may be attached still to what this channel served before.
      if (!this.#attached) {
        const over = this.#owner === undefined ? {} : { over: true };
        return resolve({ head: { closed: true, ...over } });
      }
      this.#watcher?.({ head: { left: [] } });
      this.#watcher = resolve;
      if (this.#left.size > 0 || this.#renewed.size > 0 || this.#budget !== undefined) this.#tell();
      else this.#settle();
    });
  }

  #tell(): void {
    const watcher = this.#watcher;
    if (watcher === undefined) return;
    this.#watcher = undefined;
    const budget = this.#budget === undefined ? {} : { budget: this.#budget };
    const left = this.#takeLeft();
    // Who is told that the rest is right for longer has been told of all that is not.
    const terms = this.#left.size === 0 ? this.#takeRenewed() : [];
    const news: News = { left, terms, ...budget };
    this.#budget = undefined;
    watcher({ head: news as Json });
  }

  #takeLeft(): Departure[] {
    const told: Departure[] = [];
    let characters = 0;
    for (const [key, each] of this.#left) {
      characters += key.length;
      if (told.length === MAX_TOLD_KEYS || (characters > MAX_TOLD_CHARACTERS && told.length > 0)) break;
      told.push(each);
      this.#left.delete(key);
    }
    return told;
  }

  #takeRenewed(): [id: number, until: number][] {
    const told: [id: number, until: number][] = [];
    for (const term of this.#renewed) {
      if (told.length === MAX_TOLD_TERMS) break;
      told.push([term.id, term.until]);
      this.#toldUntil = Math.max(this.#toldUntil, term.until);
      this.#renewed.delete(term);
    }
    return told;
  }
}

function isProposal(proposal: unknown): proposal is Proposal {
  const [key, size, uses] = Array.isArray(proposal) ? (proposal as unknown[]) : [];
  const areNumbers = Number.isSafeInteger(size) && Number.isSafeInteger(uses);
  return typeof key === 'string' && areNumbers && (size as number) >= 0 && (uses as number) > 0;
}

function isListOfNumbers(list: unknown): boolean {
  return Array.isArray(list) && list.every(serial => typeof serial === 'number');
}

function isUse(use: unknown): boolean {
  if (!isListOfNumbers(use) || (use as number[]).length !== 2) return false;
  // JSON has numbers that are infinite here (1e999), and would be for ever.
  const [, times] = use as [serial: number, times: number];
  return Number.isSafeInteger(times) && times >= 0;
}

function letGo(entry: { indexes: number }): void {
  entry.indexes -= 1;
  invariant(entry.indexes >= 0, 'an index that lets go of an entry had it');
}

function closed(type: string): IoliteError {
  return new IoliteError('ERR_IOLITE_CLOSED', `Cannot answer ${describe(type)}: what it asks is closed`);
}
