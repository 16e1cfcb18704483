import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import type { Aggregate } from '../aggregate/aggregate.ts';
import type { Pool } from '../aggregate/pool.ts';
import { now } from '../base/clock.ts';
import { IoliteError } from '../base/error.ts';
import { ignore } from '../base/ignore.ts';
import type { Channel } from '../ipc/channel.ts';
import { Directory } from '../store/directory/directory.ts';
import type { RecordFacts } from '../store/directory/directory-protocol.ts';
import { type DirectoryOwner, DirectoryService } from '../store/directory/directory-service.ts';
import type { Entry } from '../store/entry.ts';
import type { Governor } from '../store/governor/governor.ts';
import type { CachePolicy } from '../store/policy.ts';
import type { ContentRoom } from '../store/space/content-room.ts';
import { Store } from '../store/store.ts';
import type { StoredVersion } from '../store/stored-version.ts';
import { type ClaimAnswer, Claims } from './claims.ts';
import { heapBytesOf } from './entry-heap.ts';
import type { ClaimOptions, Keeper, KeeperStats, KeptKey, MadeValue, ServedKeeper } from './keeper.ts';
import { KeeperRequest } from './keeper-requests.ts';
import { KeeperService } from './keeper-service.ts';
import { Members } from './members/members.ts';
import { type Selector, selects } from './selector.ts';
import { TagIndex } from './tag-index.ts';
import { factsAt, isFresh, isOver, type NewFacts, type ValueFacts } from './value-facts.ts';
import { recordOf } from './value-records.ts';

/** The store's name in requests of those attached. */
export const VALUES = 'values';

/** After which it is others' turn. */
const TURN_MS = 5;
/** What is smaller lies with other buffers, and is copied in less time than that is found out. */
const LEAST_ADOPTED_BYTES = 64 * 1024;
const MAX_CHANGED_KEYS = 1_000_000;
const MAX_CHANGED_SELECTORS = 1000;
const HAND_OVER_MS = 2000;
/** By how much a timer may be early. */
const TIMER_MS = 2;
/** How often the end of what is given out is put off, while it runs. */
const RENEWALS = 3;

export interface KeeperOptions {
  readonly budget: number;
  readonly policy: CachePolicy;
  readonly pool?: Pool | undefined;
  readonly governor?: Governor | undefined;
  /** Milliseconds that an attached domain may use what it holds without hearing of its owner. */
  readonly maxStale: number;
}

/**
 * The keeper in the process that owns the memory.
 *
 * All others find what it keeps in a directory in shared memory: so a change is over for all of them at the
 * moment when it is written there, whoever is stopped, or cannot be reached. They may use it until an end
 * that is put off again and again, as long as this process lives: whoever follows it waits for that.
 */
export class OwnKeeper implements Keeper, ServedKeeper, DirectoryOwner {
  readonly store: Store<ValueFacts>;
  readonly directory: Directory;
  readonly maxStale: number;
  readonly #tags = new TagIndex();
  readonly #claims = new Claims<MadeValue>(({ kind, content }) => ({ kind, content: content.duplicate() }));
  readonly #served = new Map<Channel, DirectoryService>();
  readonly #members = new Members();
  readonly #closing = new AbortController();
  #former: Promise<void> | undefined;
  readonly #renewal: NodeJS.Timeout;
  /** Until when somebody may use what a former owner has given out. */
  readonly #formerEnd: number;
  /** What was changed until then: it goes before what a former owner had. */
  readonly #changedKeys = new Set<string>();
  readonly #changed: Selector[] = [];
  /** Whether that was too much to remember: then nothing is taken over any more. */
  #isForgetful = false;
  #lastAt = 0;
  #sets = 0;

  /** What is about to have another value: nobody is to find that there is none. */
  #replaced: string | undefined;
  #recallFormer: ((key: string) => StoredVersion<ValueFacts> | undefined) | undefined;

  /** @param formerMs how long others may use what a former owner has given out; 0: there was none */
  constructor({ maxStale, ...options }: KeeperOptions, formerMs: number) {
    this.maxStale = maxStale;
    this.#formerEnd = formerMs > 0 ? now() + formerMs : 0;
    this.store = new Store<ValueFacts>({ ...options, heapOf: heapBytesOf });
    this.directory = new Directory(this.store.budget, () => this.#moved(), {
      audience: this.store.audiences.none,
      ...(options.pool === undefined ? {} : { acl: options.pool.chunks.acl }),
    });
    this.store.onRemoved = ({ key, held }) => {
      this.#tags.delete(key, held.facts.tags);
      if (key !== this.#replaced) this.directory.delete(key);
    };
    this.store.onPlaced = ({ key, held }) =>
      this.directory.put({ key, serial: held.serial, content: held, ...recordOf(held.facts) });
    this.#renew();
    this.#renewal = setInterval(() => this.#renew(), maxStale / RENEWALS).unref();
  }

  /**
   * What a former owner has given to this process is on its way into the store: until {@link inherited} it is
   * asked for what is not there yet. @param recall what it gives is not retained
   */
  inherits(recall: (key: string) => StoredVersion<ValueFacts> | undefined): void {
    this.#recallFormer = recall;
    this.directory.beginChange();
  }

  /** All that was on its way is there. */
  inherited(): void {
    this.#recallFormer = undefined;
    this.directory.endChange();
  }

  /** What is under a key and may be used; counts as a use. @returns what the store holds */
  peek(key: string): StoredVersion<ValueFacts> | undefined {
    const entry = this.store.get(key) ?? this.#recall(key);
    if (entry === undefined) return undefined;
    if (entry.held.facts.end !== undefined && isOver(entry.held.facts, now())) {
      this.store.remove(key);
      return undefined;
    }
    this.store.hit(entry);
    return entry.held;
  }

  #recall(key: string): Entry<ValueFacts, undefined> | undefined {
    const held = this.#recallFormer?.(key);
    if (held === undefined) return undefined;
    this.inherit(key, held.facts, held.content);
    return this.store.get(key);
  }

  set(key: string, facts: NewFacts, content: Aggregate, claim?: number): Promise<boolean> | boolean {
    return this.setFor(this, key, facts, content, claim);
  }

  /** Not a promise where nobody else is to be waited for. */
  setFor(
    maker: object,
    key: string,
    facts: NewFacts,
    content: Aggregate,
    claim?: number,
  ): Promise<boolean> | boolean {
    const { kind } = facts;
    if (claim === undefined) this.#claims.outdate(key);
    else if (!this.#claims.mayKeep(claim, key, maker, facts.tags)) {
      this.#claims.settle(claim, maker, { kind, content });
      return false;
    }
    this.#note({ keys: [key] });
    const isKept = this.#put(key, factsAt(facts, this.#tick()), content);
    this.#sets += 1;
    if (claim !== undefined) {
      this.#claims.overtake(claim, key);
      this.#claims.settle(claim, maker, isKept ? undefined : { kind, content });
    }
    return this.#applied()?.then(() => isKept) ?? isKept;
  }

  inherit(key: string, facts: ValueFacts, content: Aggregate | undefined): void {
    if (!this.wants(key, facts)) return;
    this.#lastAt = Math.max(this.#lastAt, facts.at);
    this.#put(key, facts, content);
  }

  wants(key: string, { at, end, tags }: ValueFacts): boolean {
    const time = now();
    if (time >= this.#formerEnd || this.#isForgetful || at > time || (end !== undefined && time >= end))
      return false;
    const present = this.store.get(key);
    if (present !== undefined && present.held.facts.at >= at) return false;
    return !this.#changedKeys.has(key) && !this.#changed.some(selector => selects(selector, key, tags));
  }

  async delete(key: string): Promise<boolean> {
    return (await this.invalidate({ keys: [key] })) > 0;
  }

  async invalidate(selector: Selector): Promise<number> {
    this.#claims.outdateAll(selector);
    this.#note(selector);
    let count = 0;
    const forget = (key: string): void => {
      if (this.store.get(key) === undefined) return;
      this.store.remove(key);
      count += 1;
    };
    for (const key of selector.keys ?? []) forget(key);
    for (const tag of selector.tags ?? []) for (const key of this.#tags.keysOf(tag)) forget(key);
    const { prefix } = selector;
    if (prefix !== undefined) {
      // What is set from now on stays.
      const last = this.#tick();
      for await (const { key, held } of this.#entries(prefix)) if (held.facts.at <= last) forget(key);
    }
    await this.#applied();
    return count;
  }

  claim(key: string, options: ClaimOptions): ClaimAnswer<MadeValue> | Promise<ClaimAnswer<MadeValue>> {
    return this.claimFor(this, key, options);
  }

  claimFor(
    maker: object,
    key: string,
    { since, timeout, waits, signal }: ClaimOptions,
  ): ClaimAnswer<MadeValue> | Promise<ClaimAnswer<MadeValue>> {
    const present = (this.store.get(key) ?? this.#recall(key))?.held.facts;
    const time = now();
    if (present !== undefined && present.at > since && isFresh(present, time) && !isOver(present, time))
      return { kind: 'found' };
    return this.#claims.claim(key, maker, { timeout, waits, signal });
  }

  fail(id: number, error: Error | undefined): void {
    this.failFor(this, id, error);
  }

  failFor(maker: object, id: number, error: Error | undefined): void {
    if (error === undefined) this.#claims.pass(id, maker);
    else this.#claims.fail(id, maker, error);
  }

  async keys(prefix: string): Promise<readonly KeptKey[]> {
    const keys: KeptKey[] = [];
    const time = now();
    for await (const { key, held } of this.#entries(prefix))
      if (!isOver(held.facts, time)) keys.push([key, held.size]);
    return keys;
  }

  async stats(): Promise<KeeperStats> {
    return this.statsNow();
  }

  statsNow(): KeeperStats {
    const { entries, bytes, budget, evictions } = this.store.stats();
    const [sets, making, attached] = [this.#sets, this.#claims.size, this.#served.size];
    return { entries, bytes, budget, evictions, sets, making, attached };
  }

  /** Lets the domain at the other end of a channel use it, until one of them closes. */
  serve(channel: Channel): void {
    if (channel.closed) return;
    const service = new KeeperService(this, member => this.#members.joined(member, channel));
    const reads = new DirectoryService(VALUES, this, channel);
    this.#served.set(channel, reads);
    channel.once('close', () => {
      this.#served.delete(channel);
      this.#members.left(channel);
      this.#claims.gone(service);
      for (const each of [reads, service]) each.close();
    });
    channel.onRequest((message, context) => reads.handle(message) ?? service.answer(message, context));
  }

  /**
   * Has one of those attached fetch what it has not at hand, so that it goes on being found under the next
   * owner. Takes {@link HAND_OVER_MS} at most: what is not fetched by then is gone, as after an eviction.
   */
  async handOver(): Promise<void> {
    if (this.store.stats().entries === 0) return;
    const end = performance.now() + HAND_OVER_MS;
    for (const channel of this.#served.keys()) {
      // One that does not answer leaves time for another.
      const signal = AbortSignal.timeout(Math.ceil(Math.max(1, (end - performance.now()) / 2)));
      const head = { type: KeeperRequest.TAKE_OVER };
      const isDone = await channel.request({ head }, { signal }).then(
        ({ body }) => {
          body?.release();
          return true;
        },
        () => false,
      );
      if (isDone || performance.now() >= end) return;
    }
  }

  /** Who waits fails; what was given out stays valid. */
  close(): void {
    clearInterval(this.#renewal);
    this.#closing.abort();
    // Before the store forgets everything: who reads goes on with what there was.
    this.directory.close();
    this.#claims.close(new IoliteError('ERR_IOLITE_CLOSED', 'Cannot make value: the cache is closed'));
    this.store.close();
  }

  // What those attached ask

  find(key: string): StoredVersion<ValueFacts> {
    const held = this.peek(key);
    if (held === undefined) throw new IoliteError('ENOENT', 'Cannot find value: it is not kept');
    return held.retain();
  }

  factsOf({ facts }: StoredVersion): RecordFacts {
    return recordOf(facts as ValueFacts);
  }

  used(serial: number): void {
    const entry = this.store.bySerial(serial);
    if (entry !== undefined) this.store.hit(entry);
  }

  /** A time for a value: later than that of all others. */
  #tick(): number {
    this.#lastAt = Math.max(now(), this.#lastAt + 0.001);
    return this.#lastAt;
  }

  #put(key: string, facts: ValueFacts, content: Aggregate | undefined): boolean {
    this.directory.beginChange();
    this.#replaced = key;
    let isKept = false;
    try {
      isKept = this.#placed(key, facts, content);
    } finally {
      this.#replaced = undefined;
      if (!isKept) this.directory.delete(key);
      this.directory.endChange();
    }
    return isKept;
  }

  #placed(key: string, facts: ValueFacts, content: Aggregate | undefined): boolean {
    const { length } = content ?? { length: 0 };
    const room = length === 0 ? undefined : this.#room(key, content as Aggregate);
    if (length > 0 && room === undefined) {
      this.store.remove(key);
      return false;
    }
    this.store.put(key, facts, undefined, room);
    // What it has cost may have been itself.
    if (this.store.get(key)?.held.facts !== facts) return false;
    this.#tags.add(key, facts.tags);
    return true;
  }

  /** Filled with the content. No room, for whatever reason, is no failure: then it is not kept. */
  #room(key: string, content: Aggregate): ContentRoom | undefined {
    try {
      const adopted =
        content.length < LEAST_ADOPTED_BYTES
          ? undefined
          : this.store.adopt(content, key, this.store.audiences.none);
      if (adopted !== undefined) return adopted;
      const room = this.store.allocate(content.length, key);
      let at = 0;
      for (const { bytes } of room?.pieces ?? []) at += content.copyTo(bytes, 0, at, at + bytes.length);
      return room;
    } catch {
      return undefined;
    }
  }

  /** What was changed, while somebody may offer what was before. */
  #note(selector: Selector): void {
    if (now() < this.#formerEnd) {
      for (const key of selector.keys ?? []) this.#changedKeys.add(key);
      if (selector.prefix !== undefined || selector.tags !== undefined) this.#changed.push(selector);
      if (this.#changedKeys.size < MAX_CHANGED_KEYS && this.#changed.length < MAX_CHANGED_SELECTORS) return;
      this.#isForgetful = true;
      this.#changedKeys.clear();
      this.#changed.length = 0;
    } else if (this.#changedKeys.size + this.#changed.length > 0) {
      this.#changedKeys.clear();
      this.#changed.length = 0;
    }
  }

  /** Puts off the end until which others use the directory. */
  #renew(): void {
    this.directory.until = now() + this.maxStale;
  }

  #moved(): void {
    for (const service of this.#served.values()) service.replaced();
  }

  /** When nobody finds any more what has left by now. @returns undefined where that is so already */
  #applied(): Promise<void> | undefined {
    return now() < this.#formerEnd ? this.#formerOver() : undefined;
  }

  /** When nobody uses any more what a former owner has given out, or it is closed. */
  #formerOver(): Promise<void> {
    const { signal } = this.#closing;
    const ms = Math.max(0, this.#formerEnd - now()) + TIMER_MS;
    this.#former ??= delay(ms, undefined, { signal }).catch(ignore);
    return this.#former;
  }

  /** Those that begin so, with turns for others between. */
  async *#entries(prefix: string): AsyncGenerator<Entry<ValueFacts, undefined>> {
    let turnEnd = performance.now() + TURN_MS;
    let compared = 0;
    for (const entry of this.store.entries()) {
      compared += 1;
      if (compared % 256 === 0 && performance.now() >= turnEnd) {
        await setImmediate();
        turnEnd = performance.now() + TURN_MS;
      }
      if (entry.isKept && entry.key.startsWith(prefix)) yield entry;
    }
  }
}
