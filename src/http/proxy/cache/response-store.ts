import { Aggregate } from '../../../aggregate/aggregate.ts';
import { IoliteError } from '../../../base/error.ts';
import type { Channel } from '../../../ipc/channel.ts';
import type { RequestHandler } from '../../../ipc/responder.ts';
import type { Entry } from '../../../store/entry.ts';
import type { ContentRoom } from '../../../store/segment-space.ts';
import { serveStore } from '../../../store/serve-store.ts';
import { Store, type StoreOptions } from '../../../store/store.ts';
import type { Greeting } from '../../../store/store-protocol.ts';
import type { FoundVersion, StoreOwner } from '../../../store/store-service.ts';
import { ALWAYS } from '../../../store/term.ts';
import type { StoredFacts } from './response-facts.ts';

/** The store's name in requests of those attached. */
export const RESPONSES = 'responses';

/** How old what a domain asks for may be, where it was told to forget something. */
const MAX_STALE_MS = 1000;
/** Why a response that may be stored is not: in Cache-Status. */
export type Refusal =
  /** No content of this size is kept, whatever the budget. */
  | 'too-large'
  /** It would take too large a part of the budget. */
  | 'budget'
  /** What is kept is worth more to the policy. */
  | 'not-admitted';

/** No content may take more than this part of the budget, */
const LARGEST_PART = 1 / 8;
/** nor more than this: it is copied in one go. */
const LARGEST_BYTES = 64 * 1024 ** 2;
/** Facts take memory too, outside of the budget: so there is an entry for so many bytes of it at most. */
const ENTRY_BYTES = 4096;
const FEWEST_ENTRIES = 1000;

/**
 * Where responses are kept: contents in shared memory, by the store that the file cache has too, within a
 * budget of physical memory. Nothing that was put is certain to be found again.
 */
export class ResponseStore implements StoreOwner<StoredFacts> {
  readonly #store: Store<StoredFacts>;
  #entries = 0;

  /** @param pool where contents are put; default: one of its own, for processes of the same user */
  constructor(options: StoreOptions) {
    this.#store = new Store(options);
    this.#store.listeners.add({
      left: ({ key }) => {
        // Otherwise it is there, and was only moved or renewed.
        if (this.#store.get(key) === undefined) this.#entries -= 1;
      },
    });
  }

  /** Most bytes of one content. */
  get largest(): number {
    return Math.min(Math.floor(this.#store.bounds.allowance * LARGEST_PART), LARGEST_BYTES);
  }

  get #mostEntries(): number {
    const { budget } = this.#store;
    return budget === 0 ? 0 : Math.max(FEWEST_ENTRIES, Math.floor(budget / ENTRY_BYTES));
  }

  /** Changes the budget, as Store.resize() does. @throws ERR_IOLITE_CLOSED */
  resize(budget: number): void {
    this.#store.resize(budget);
    while (this.#entries > this.#mostEntries) this.#removeOldest();
  }

  /** What is known of a key. Counts as a use. */
  look(key: string): StoredFacts | undefined {
    const entry = this.#store.get(key);
    if (entry !== undefined) this.#store.hit(entry);
    return entry?.held.facts;
  }

  /** The content under a key, by a reference that is the caller's. Copies nothing. */
  contentOf(key: string): Aggregate | undefined {
    const held = this.#store.get(key)?.held;
    if (held === undefined) return undefined;
    return held.content?.duplicate() ?? Aggregate.empty();
  }

  /**
   * Why a content would not be kept. Once room is short the policy is asked, who counts that.
   * @param length in bytes; NaN when it is not known yet
   */
  refusalOf(key: string, length: number): Refusal | undefined {
    if (length > LARGEST_BYTES) return 'too-large';
    if (length > this.largest || this.#mostEntries === 0) return 'budget';
    // What takes the place of its own predecessor costs nobody else his.
    if (this.#store.closed || !(length > 0) || this.#store.get(key) !== undefined) return undefined;
    return this.#store.admits(length, key) ? undefined : 'not-admitted';
  }

  /**
   * Keeps facts and a copy of the content in the place of what is there, if there is room. The content stays
   * the caller's.
   */
  put(key: string, facts: StoredFacts, content: Aggregate): void {
    if (this.#store.closed) return;
    this.#store.remove(key);
    if (content.length > this.largest || this.#mostEntries === 0) return;
    const room = this.#allocate(content.length);
    if (room === undefined && content.length > 0) return;
    let at = 0;
    for (const { bytes } of room?.pieces ?? []) at += content.copyTo(bytes, 0, at, at + bytes.length);
    this.#store.put(key, facts, undefined, room);
    this.#entries += 1;
    if (this.#entries > this.#mostEntries) this.#removeOldest();
  }

  /** Exchanges the facts of what is there, if its facts are those given. */
  renew(key: string, from: StoredFacts, to: StoredFacts): void {
    const entry = this.#store.get(key);
    if (entry?.held.facts === from) this.#store.amend(entry, { facts: to });
  }

  remove(key: string): void {
    this.#store.remove(key);
  }

  /**
   * Lets the domain at the other end of a channel hold what it has asked for, until the channel or the store
   * closes. Takes the channel's request handler. A channel that is closed already is no error.
   * @param otherwise answers requests that are not for the store
   * @throws ERR_IOLITE_CLOSED when the store is closed; ERR_IOLITE_ARGUMENT
   */
  serve(channel: Channel, otherwise: RequestHandler | undefined): void {
    serveStore({ name: RESPONSES, title: 'proxy', store: this.#store, owner: this }, channel, { otherwise });
  }

  // What those attached ask

  get greeting(): Greeting {
    return { maxStale: MAX_STALE_MS, budget: this.#store.budget };
  }

  async find(key: string): Promise<FoundVersion<StoredFacts>> {
    const entry = this.#store.get(key);
    if (entry === undefined) throw new IoliteError('ENOENT', 'Cannot find response: it is not kept');
    this.#store.hit(entry);
    // Right until those who were given it are told otherwise.
    return { held: entry.held.retain(), until: ALWAYS };
  }

  bySerial(serial: number): Entry<StoredFacts, unknown> | undefined {
    return this.#store.bySerial(serial);
  }

  used(entry: Entry<StoredFacts, unknown>): void {
    this.#store.hit(entry as Entry<StoredFacts, undefined>);
  }

  /** Releases everything; what was given out stays valid. */
  close(): void {
    this.#store.close();
  }

  /** No room, for whatever reason, is no failure: then it is not kept. */
  #allocate(length: number): ContentRoom | undefined {
    try {
      return length === 0 ? undefined : this.#store.allocate(length);
    } catch {
      return undefined;
    }
  }

  #removeOldest(): void {
    const { value: oldest } = this.#store.entries().next();
    if (oldest !== undefined) this.#store.remove(oldest.key);
  }
}
