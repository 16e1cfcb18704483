import { now } from '../base/clock.ts';
import { ArgumentError, describe, IoliteError } from '../base/error.ts';
import { invariant } from '../base/invariant.ts';
import type { Json } from '../base/json.ts';
import type { Message } from '../ipc/message.ts';
import type { Entry, StoreListener } from './store.ts';
import {
  encodeVersion,
  type Greeting,
  type ReadRequest,
  type Report,
  StoreRequest,
} from './store-protocol.ts';
import type { ContentFacts, StoredVersion } from './stored-version.ts';

/** What is found under a key. */
export interface CheckedVersion<F extends ContentFacts> {
  /** A reference, which the caller releases. */
  readonly held: StoredVersion<F>;
  /** When it was last known to be right, by {@link now}. */
  readonly checkedAt: number;
}

/** The domain that owns a store, as its services see it. */
export interface StoreOwner<F extends ContentFacts> {
  readonly greeting: Greeting;
  /**
   * What is under a key, from wherever the owner gets it.
   * @param since versions that were last known to be right before this time are too old
   * @param pinned of versions that the owner keeps something for: those this service has given out
   */
  find(
    key: string,
    since: number,
    root: string | undefined,
    pinned: ReadonlyMap<number, StoredVersion<F>>,
  ): Promise<CheckedVersion<F>>;
  /** The entry that has this version now. */
  bySerial(serial: number): Entry<F, unknown> | undefined;
  /** A version was used in an attached domain. @returns when it was last known to be right */
  used(entry: Entry<F, unknown>, times: number): Promise<number>;
}

/** Versions of a report that are looked into at a time: others want to read files too. */
const PARALLEL_CHECKS = 16;

/** The owner's side of one index that is attached to its store. */
export class StoreService<F extends ContentFacts> implements StoreListener {
  readonly #name: string;
  /** Undefined when it is closed, so that who still refers to it holds nothing of the store. */
  #owner: StoreOwner<F> | undefined;
  readonly #root: string | undefined;
  /** What the index has, by serial. */
  readonly #given = new Map<number, Entry<F, unknown>>();
  readonly #pinned = new Map<number, StoredVersion<F>>();
  /** What the index is still to be told of: by key, as it drops earlier versions with the last one. */
  readonly #left = new Map<string, number>();
  /** The budget that it is still to be told. */
  #budget: number | undefined;
  #watcher: ((answer: Message) => void) | undefined;
  #attached = false;

  /** @param name of the store in requests @param root passed on to {@link StoreOwner.find} */
  constructor(name: string, owner: StoreOwner<F>, root: string | undefined) {
    this.#name = name;
    this.#owner = owner;
    this.#root = root;
  }

  /** Answers a request of the index. @returns undefined for requests that are not for this store */
  handle(message: Message): Promise<Message> | undefined {
    const head = message.head as Record<string, Json> | null | undefined;
    const type = head?.type;
    if (typeof type !== 'string' || !type.startsWith(`${this.#name}.`)) return undefined;
    message.body?.release();
    const owner = this.#owner;
    const asked = type.slice(this.#name.length + 1);
    if (asked === StoreRequest.WATCH) return this.#watch();
    if (owner === undefined) return Promise.reject(closed(type));
    switch (asked) {
      case StoreRequest.ATTACH:
        // An index takes the place of one that was attached through the same channel before.
        this.#forgetAll();
        this.#attached = true;
        return Promise.resolve({ head: owner.greeting });
      case StoreRequest.READ:
        return this.#read(owner, head as unknown as ReadRequest);
      case StoreRequest.REPORT:
        return this.#report(owner, head as unknown as Report);
      default:
        return Promise.reject(new ArgumentError(`Cannot answer request: ${describe(type)} is unknown`));
    }
  }

  /** The store has left a version: the index is told, if it has it. */
  left({ key, serial }: StoredVersion): void {
    const entry = this.#given.get(serial);
    if (entry === undefined) return;
    this.#given.delete(serial);
    letGo(entry);
    this.#left.set(key, serial);
    this.#tell();
  }

  /** The store has another budget, which bounds the index. */
  resized(budget: number): void {
    if (!this.#attached) return;
    this.#budget = budget;
    this.#tell();
  }

  /** The index is gone, or the store is. */
  close(): void {
    this.#owner = undefined;
    this.#attached = false;
    this.#forgetAll();
  }

  #forgetAll(): void {
    for (const entry of this.#given.values()) letGo(entry);
    this.#given.clear();
    for (const held of this.#pinned.values()) held.release();
    this.#pinned.clear();
    this.#left.clear();
    this.#budget = undefined;
    this.#watcher?.({ head: { closed: true } });
    this.#watcher = undefined;
  }

  async #read(owner: StoreOwner<F>, { key, have, current }: ReadRequest): Promise<Message> {
    if (typeof key !== 'string')
      throw new ArgumentError(`Cannot read from cache: a key is wanted, ${describe(key)} was given`);
    const asked = now();
    const since = current === true ? asked : asked - owner.greeting.maxStale;
    const { held, checkedAt } = await owner.find(key, since, this.#root, this.#pinned);
    try {
      // An index that is not attached would not be told what to let go of: so it is to keep nothing.
      const entry = this.#attached ? owner.bySerial(held.serial) : undefined;
      if (held.serial === have && this.#given.has(have)) return { head: { same: true, checkedAt } };
      if (entry !== undefined && !this.#given.has(held.serial)) {
        this.#given.set(held.serial, entry);
        entry.holders += 1;
      }
      if (held.onEnd !== undefined && this.#attached && !this.#pinned.has(held.serial))
        this.#pinned.set(held.serial, held.retain());
      return encodeVersion(held, { checkedAt, keep: entry !== undefined });
    } finally {
      held.release();
    }
  }

  async #report(owner: StoreOwner<F>, { used, forgot }: Report): Promise<Message> {
    if (!Array.isArray(used) || !Array.isArray(forgot))
      throw new ArgumentError('Cannot answer report: lists of what was used and forgotten are wanted');
    for (const serial of forgot) this.#forget(serial);
    const checked: number[] = [];
    while (checked.length < used.length) {
      const some = used.slice(checked.length, checked.length + PARALLEL_CHECKS);
      checked.push(...(await Promise.all(some.map(([serial, times]) => this.#used(owner, serial, times)))));
    }
    return { head: { checked } };
  }

  async #used(owner: StoreOwner<F>, serial: number, times: number): Promise<number> {
    const entry = this.#given.get(serial);
    return entry === undefined ? 0 : owner.used(entry, times);
  }

  #forget(serial: number): void {
    const entry = this.#given.get(serial);
    if (entry !== undefined) letGo(entry);
    this.#given.delete(serial);
    this.#pinned.get(serial)?.release();
    this.#pinned.delete(serial);
  }

  #watch(): Promise<Message> {
    return new Promise(resolve => {
      // An index may be attached still to what this channel served before.
      if (!this.#attached) return resolve({ head: { closed: true } });
      this.#watcher?.({ head: { left: [] } });
      this.#watcher = resolve;
      if (this.#left.size > 0 || this.#budget !== undefined) this.#tell();
    });
  }

  #tell(): void {
    const watcher = this.#watcher;
    if (watcher === undefined) return;
    this.#watcher = undefined;
    const left = [...this.#left];
    watcher({ head: this.#budget === undefined ? { left } : { left, budget: this.#budget } });
    this.#left.clear();
    this.#budget = undefined;
  }
}

function letGo(entry: { holders: number }): void {
  entry.holders -= 1;
  invariant(entry.holders >= 0, 'an index that lets go of an entry held it');
}

function closed(type: string): IoliteError {
  return new IoliteError('ERR_IOLITE_CLOSED', `Cannot answer ${describe(type)}: what it asks is closed`);
}
