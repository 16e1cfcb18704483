import { setImmediate } from 'node:timers/promises';
import { Aggregate } from '../../../aggregate/aggregate.ts';
import { IoliteError } from '../../../base/error.ts';
import type { Repeatable } from '../../../base/repeatable.ts';
import type { Channel } from '../../../ipc/channel.ts';
import type { RequestHandler } from '../../../ipc/responder.ts';
import { numbersOf, observe, type Sample } from '../../../observe/sources.ts';
import type { Entry } from '../../../store/entry.ts';
import { serveStore } from '../../../store/serve-store.ts';
import type { ContentRoom } from '../../../store/space/content-room.ts';
import { Store } from '../../../store/store.ts';
import type { StoreOptions } from '../../../store/store-options.ts';
import type { Greeting } from '../../../store/store-protocol.ts';
import type { FoundVersion, StoreOwner } from '../../../store/store-service.ts';
import { ALWAYS, Term } from '../../../store/term.ts';
import { targetOfKey } from '../resource.ts';
import type { TrustForwarded } from '../trusted-proxies.ts';
import { compact, heapOf } from './entry-heap.ts';
import { type HotResponse, hotResponse } from './hot-response.ts';
import type { StoredFacts } from './response-facts.ts';
import { ResponseIndex } from './response-index.ts';

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
/** After which it is others' turn. */
const TURN_MS = 5;
/** Most variants of one resource: of more, the one that came first leaves. */
const MAX_VARIANTS = 100;

/**
 * Where responses are kept: contents in shared memory, by the store that the file cache has too, within a
 * budget of physical memory that keys and fields count in as well. Nothing that was put is certain to be
 * found again.
 */
export class ResponseStore implements StoreOwner<StoredFacts> {
  /** An entry knows the key of the resource that it is a variant of. */
  readonly #store: Store<StoredFacts, string | undefined>;
  /** Keys of the variants that are kept of a resource, by its key; what came first is first. */
  readonly #variants = new Map<string, Set<string>>();

  readonly #index = new ResponseIndex();
  /** Until when those attached may use what they have, where that has an end. */
  #term: Term | undefined;
  /** Whether what is stored of a target may be of several keys. */
  readonly trustForwarded: TrustForwarded;

  /**
   * @param pool where contents are put; default: one of its own, for processes of the same user
   * @param trustForwarded what those attached are told of how resources are named
   */
  constructor(options: Omit<StoreOptions, 'heapOf'>, trustForwarded: TrustForwarded = false) {
    this.trustForwarded = trustForwarded;
    this.#store = new Store({ ...options, heapOf });
    this.#store.onRemoved = ({ key, held, local: resource }) => {
      this.#index.delete(key, held.facts, resource);
      this.#removed(key, resource);
    };
    observe('cache', this, ResponseStore.#samplesOf);
  }

  static #samplesOf(responses: ResponseStore): readonly Sample[] | undefined {
    const store = responses.#store;
    return store.closed
      ? undefined
      : [{ labels: { content: 'responses' }, figures: numbersOf(store.stats()) }];
  }

  /** Most bytes of one content. */
  get largest(): number {
    return Math.min(Math.floor(this.#store.bounds.allowance * LARGEST_PART), LARGEST_BYTES);
  }

  /** Most bytes of all contents; less than the budget while memory is short. */
  get allowance(): number {
    return this.#store.bounds.allowance;
  }

  /** Changes the budget, as Store.resize() does. @throws ERR_IOLITE_CLOSED */
  resize(budget: number): void {
    this.#store.resize(budget);
  }

  /** What is known of a key. Counts as a use. */
  look(key: string): StoredFacts | undefined {
    const entry = this.#store.get(key);
    if (entry !== undefined) this.#store.hit(entry);
    return entry?.held.facts;
  }

  /**
   * The content under a key, by a reference that is the caller's, if these are its facts. Copies nothing.
   */
  contentOf(key: string, facts: StoredFacts): Aggregate | undefined {
    const held = this.#store.get(key)?.held;
    if (held?.facts !== facts) return undefined;
    return held.shareContent() ?? Aggregate.empty();
  }

  /**
   * Why a content would not be kept. Once room is short the policy is asked, who counts that.
   * @param length in bytes; NaN when it is not known yet
   */
  refusalOf(key: string, facts: StoredFacts, length: number): Refusal | undefined {
    if (length > LARGEST_BYTES) return 'too-large';
    const heap = heapOf(key, facts);
    if (heap > this.largest || length > this.largest) return 'budget';
    // What takes the place of its own predecessor costs nobody else his.
    if (this.#store.closed || !(length > 0) || this.#store.get(key) !== undefined) return undefined;
    return this.#store.admits(length + heap, key) ? undefined : 'not-admitted';
  }

  /**
   * Keeps facts and a copy of the content in the place of what is there, if there is room. The content stays
   * the caller's.
   * @param resource key of the facts whose variant it is: it leaves with them
   * @returns the content that is kept, by a reference that is the caller's; undefined when there was no room
   */
  put(key: string, facts: StoredFacts, content: Aggregate, resource?: string): Aggregate | undefined {
    if (this.#store.closed) return undefined;
    const { uses = 0 } = this.#store.get(key) ?? {};
    this.#store.remove(key);
    if (Math.max(content.length, heapOf(key, facts)) > this.largest) return undefined;
    const room = this.#allocate(content.length);
    if (room === undefined && content.length > 0) return undefined;
    if (resource !== undefined && this.#store.get(resource) === undefined) {
      if (room !== undefined) this.#store.cancel(room);
      return undefined;
    }
    let at = 0;
    for (const { bytes } of room?.pieces ?? []) at += content.copyTo(bytes, 0, at, at + bytes.length);
    if (resource !== undefined) this.#addVariant(resource, key);
    const kept = compact(facts);
    // What takes the place of its own predecessor is asked for as often.
    this.#store.put(key, kept, resource, room).uses = uses;
    // What it has cost may have been itself.
    if (this.#store.get(key)?.held.facts === kept) this.#index.add(key, kept, resource);
    return this.contentOf(key, kept);
  }

  /** Exchanges the facts of what is there, if its facts are those given. */
  renew(key: string, from: StoredFacts, to: StoredFacts): void {
    const entry = this.#store.get(key);
    if (entry?.held.facts !== from) return;
    const kept = compact(to);
    this.#index.delete(key, from, entry.local);
    this.#index.add(key, kept, entry.local);
    this.#store.amend(entry, { facts: kept });
  }

  remove(key: string): void {
    this.#store.remove(key);
  }

  /** Has a response be stale from now on, or all variants of a resource. @returns how many were not yet */
  makeStale(key: string, now = Date.now()): number {
    const facts = this.#store.get(key)?.held.facts;
    if (facts?.kind === 'response') {
      if ((facts.staleAt ?? now + 1) <= now) return 0;
      this.renew(key, facts, { ...facts, staleAt: now });
      return 1;
    }
    return [...(this.#variants.get(key) ?? [])].reduce(
      (sum, variant) => sum + this.makeStale(variant, now),
      0,
    );
  }

  /** Has all that is kept be stale from now on, with turns for others between. O(all that is kept). */
  async makeAllStale(): Promise<void> {
    let turnEnd = performance.now() + TURN_MS;
    for (const [, keys] of this.#index.targets()) {
      for (const key of keys) this.makeStale(key);
      if (performance.now() < turnEnd) continue;
      await setImmediate();
      turnEnd = performance.now() + TURN_MS;
    }
  }

  /**
   * Says until when those attached may use what they have without a question, by the machine's monotonic
   * clock. They are told at once. Before the first of them, to have any end.
   */
  bound(until: number): void {
    this.#term ??= new Term();
    this.#term.until = until;
    this.#store.renewed(this.#term);
  }

  /** What is under a key, to be repeated as long as it is this. */
  repeatable(key: string): Repeatable | undefined {
    const entry = this.#store.get(key);
    if (entry === undefined) return undefined;
    const { held } = entry;
    return {
      slice: held.slice,
      mayRepeat: () => {
        if (!entry.isKept || entry.held !== held) return false;
        this.#store.hit(entry);
        return true;
      },
    };
  }

  /**
   * What is kept and fresh, and may be asked for by its target: what was used most comes first. O(all that is
   * kept), with turns for others between.
   */
  async hottest(): Promise<HotResponse[]> {
    const hot: HotResponse[] = [];
    let turnEnd = performance.now() + TURN_MS;
    for (const { key, local: resource = key, held, uses } of this.#store.entries()) {
      const each = hotResponse(resource, held.facts, held.size, uses);
      if (each !== undefined) hot.push(each);
      if (performance.now() < turnEnd) continue;
      await setImmediate();
      turnEnd = performance.now() + TURN_MS;
    }
    return hot.sort((one, other) => other.uses - one.uses);
  }

  /** What a response is of, by its key; of a long target the beginning. */
  targetOf(key: string): string | undefined {
    const entry = this.#store.get(key);
    const { local: resource = key } = entry ?? {};
    const { start } = (resource === key ? entry : this.#store.get(resource))?.held.facts ?? {};
    return entry && (start ?? targetOfKey(resource));
  }

  /** Responses that are under a key: one, or the variants of a resource. */
  count(key: string): number {
    const facts = this.#store.get(key)?.held.facts;
    if (facts === undefined) return 0;
    return facts.kind === 'response' ? 1 : (this.#variants.get(key)?.size ?? 0);
  }

  /** What is stored by what it may be forgotten by. */
  get index(): Pick<ResponseIndex, 'ofTarget' | 'ofGroup' | 'targets'> {
    return this.#index;
  }

  /** When all that are attached have given up what has left by now. As of Store. */
  applied(): Promise<void> {
    return this.#store.applied();
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
    const { trustForwarded } = this;
    const ends = this.#term !== undefined;
    return { maxStale: MAX_STALE_MS, budget: this.#store.budget, ends, trustForwarded };
  }

  async find(key: string): Promise<FoundVersion<StoredFacts>> {
    const entry = this.#store.get(key);
    if (entry === undefined) throw new IoliteError('ENOENT', 'Cannot find response: it is not kept');
    this.#store.hit(entry);
    // Right until those who were given it are told otherwise, or their word of the others ends.
    return { held: entry.held.retain(), until: ALWAYS, term: this.#term };
  }

  bySerial(serial: number): Entry<StoredFacts, unknown> | undefined {
    return this.#store.bySerial(serial);
  }

  used(entry: Entry<StoredFacts, unknown>): void {
    this.#store.hit(entry as Entry<StoredFacts, string | undefined>);
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

  #addVariant(resource: string, key: string): void {
    const variants = this.#variants.get(resource) ?? new Set();
    const [oldest] = variants;
    if (oldest !== undefined && variants.size >= MAX_VARIANTS) this.#store.remove(oldest);
    variants.add(key);
    this.#variants.set(resource, variants);
  }

  /** No variant is found again without what says by which fields they vary. */
  #removed(key: string, resource: string | undefined): void {
    if (resource !== undefined) {
      this.#variants.get(resource)?.delete(key);
      return;
    }
    const variants = this.#variants.get(key);
    if (variants === undefined) return;
    this.#variants.delete(key);
    for (const variant of variants) this.#store.remove(variant);
  }
}
