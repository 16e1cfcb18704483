import { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Aggregate } from '../aggregate/aggregate.ts';
import { createPool, type Pool } from '../aggregate/pool.ts';
import { abortable } from '../base/abortable.ts';
import { now } from '../base/clock.ts';
import { ArgumentError, checkInteger, describe, IoliteError } from '../base/error.ts';
import { ignore } from '../base/ignore.ts';
import type { Channel } from '../ipc/channel.ts';
import { HeapChunk } from '../memory/heap-chunk.ts';
import { defaultBudget } from '../store/governor/default-budget.ts';
import { ownGovernor } from '../store/governor/governor.ts';
import { createPolicy, type PolicyName } from '../store/policies/index.ts';
import type { CachePolicy } from '../store/policy.ts';
import { StoreIndex } from '../store/store-index.ts';
import type { StoredVersion } from '../store/stored-version.ts';
import { VersionContent } from '../store/version-content.ts';
import type { Keeper, KeptKey, MadeValue } from './keeper.ts';
import { Membership } from './membership.ts';
import { OwnKeeper, VALUES } from './own-keeper.ts';
import { RemoteKeeper } from './remote-keeper.ts';
import { checkSelector, type Selector } from './selector.ts';
import { type Cacheable, type CachedValue, decodeValue, encodeValue } from './value.ts';
import {
  areValueFacts,
  checkKey,
  isFresh,
  isOver,
  type KeepOptions,
  newFacts,
  type ValueFacts,
} from './value-facts.ts';

export interface SharedCacheOptions {
  /**
   * Most bytes of physical memory, that of the process which owns it: values, headers, what others still
   * hold, and the heap of its tables. Default: a quarter of the memory there is, 256 MiB at most.
   */
  readonly budget?: number;
  /** Who leaves a full cache. Default 's3fifo': values that come once pass through quickly. */
  readonly policy?: PolicyName | CachePolicy;
  /** Where values are put, and whose ACL says who may attach. Default: one of its own, for the same user. */
  readonly pool?: Pool;
  /**
   * Milliseconds that a process may use what it holds without hearing of the owner: so long a change waits
   * for one that is stopped. Default 1000.
   */
  readonly maxStale?: number;
  /** Whether it makes do with less than its budget while memory is short. Default true. */
  readonly govern?: boolean;
}

export interface GetOptions {
  readonly signal?: AbortSignal;
}

/** What a maker of values is given. */
export interface MakeContext {
  /** Aborted when the one who asks gives up, or when it has taken too long. */
  readonly signal: AbortSignal;
  /** Says, by what was made, how long it is right, in place of what was said before. */
  keep(options: KeepOptions): void;
}

export interface GetOrSetOptions extends KeepOptions, GetOptions {
  /** Milliseconds that making may take. Default 30,000. */
  readonly timeout?: number;
}

/** What this process knows. */
export interface SharedCacheStats {
  /** 'joining' while there is no owner. */
  readonly role: 'owner' | 'attached' | 'joining';
  /** Values that this process has at hand: all of them in the owner. */
  readonly entries: number;
  readonly bytes: number;
  readonly budget: number;
  /** Reads answered from memory at hand, and others. */
  readonly hits: number;
  readonly misses: number;
}

interface Events {
  /** This process owns the cache from now on. */
  owner: [];
  /** Another process owns it. */
  attached: [];
  /** The owner is gone; another one is looked for. */
  detached: [reason: Error];
}

const OPTIONS: ReadonlySet<string> = new Set(['budget', 'policy', 'pool', 'maxStale', 'govern']);
const MAX_DEFAULT_BUDGET_BYTES = 256 * 1024 ** 2;
const DEFAULT_MAX_STALE_MS = 1000;
const DEFAULT_TIMEOUT_MS = 30_000;
/** Values of JSON and text of so many bytes at most are kept as they were decoded. */
const MAX_DECODED_BYTES = 16 * 1024;
/** How often what has left between two questions is asked for again. */
const MAX_TRIES = 8;
const TURN_MS = 5;

/**
 * One cache in memory for all processes of a user on this machine that name it so. Values lie there once, as
 * immutable bytes in memory that all of them map: to find one costs no message, and no copy.
 *
 * The first process owns it. When it ends, another one takes its place, with what it and the others hold.
 * A change resolves when no process finds any more what was before. Nothing that was set is certain to be
 * found: it may be evicted, and what nobody but the owner held goes with the owner.
 * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE for options; ERR_IOLITE_UNSUPPORTED where memory cannot be shared
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { sharedCache } from 'iolite/cache';
 *
 * await using cache = sharedCache('example', { budget: 64 * 1024 ** 2 });
 * await cache.set('greeting', { hello: 'world' }, { ttl: 60_000, tags: ['greetings'] });
 * assert.deepEqual(await cache.get('greeting'), { hello: 'world' });
 * const page = await cache.getOrSet('page', async () => 'made once for all processes');
 * assert.equal(page, 'made once for all processes');
 * await cache.invalidate({ tags: ['greetings'] });
 * assert.equal(await cache.get('greeting'), undefined);
 * ```
 */
export function sharedCache(name: string, options: SharedCacheOptions = {}): SharedCache {
  return new SharedCache(name, options);
}

/** Use {@link sharedCache}. */
export class SharedCache extends EventEmitter<Events> {
  readonly #options: SharedCacheOptions;
  readonly #budget: number;
  readonly #maxStale: number;
  readonly #membership: Membership;
  readonly #index: StoreIndex<ValueFacts>;
  readonly #pool: Pool;
  #own: OwnKeeper | undefined;
  #keeper: Keeper | undefined;
  readonly #waiting = new Set<{ resolve: (keeper: Keeper) => void; reject: (error: Error) => void }>();
  readonly #decoded = new WeakMap<StoredVersion<ValueFacts>, { readonly value: CachedValue }>();
  #hits = 0;
  #misses = 0;
  #closed = false;

  constructor(name: string, options: SharedCacheOptions) {
    super();
    if (typeof options !== 'object' || options === null)
      throw new ArgumentError(`Cannot share cache: options are wanted, ${describe(options)} was given`);
    const unknown = Object.keys(options).find(each => !OPTIONS.has(each));
    if (unknown !== undefined) throw new ArgumentError(`Cannot share cache: ${describe(unknown)} is unknown`);
    const { budget = defaultBudget({ most: MAX_DEFAULT_BUDGET_BYTES }), policy = 's3fifo' } = options;
    const { maxStale = DEFAULT_MAX_STALE_MS } = options;
    checkInteger(budget, 'budget', 0, Number.MAX_SAFE_INTEGER);
    checkInteger(maxStale, 'maxStale', 50, 2 ** 31 - 1);
    createPolicy(policy, budget);
    this.#options = options;
    this.#budget = budget;
    this.#maxStale = maxStale;
    this.#index = new StoreIndex<ValueFacts>(VALUES, ignore, areValueFacts, false);
    this.#pool = createPool({ name: 'values' });
    this.#membership = new Membership(
      'cache',
      name,
      {
        own: isFollowing => this.#becomeOwner(isFollowing),
        serve: channel => this.#own?.serve(channel),
        attach: channel => this.#attach(channel),
        left: reason => this.#left(reason),
      },
      maxStale,
    );
  }

  /** What this process is. */
  get role(): SharedCacheStats['role'] {
    if (this.#own !== undefined) return 'owner';
    return this.#keeper === undefined ? 'joining' : 'attached';
  }

  /** Waits until there is an owner. @throws the signal's reason; why this process cannot attach */
  async ready({ signal }: GetOptions = {}): Promise<void> {
    await this.#withKeeper(async () => {}, signal);
  }

  /**
   * A value, if this process has it at hand; never waits, and asks nobody. An aggregate is the caller's to
   * release.
   * @throws ERR_IOLITE_CLOSED, ERR_IOLITE_ARGUMENT
   */
  peek(key: string): CachedValue | undefined {
    const held = this.#fresh(key);
    return held === undefined ? undefined : this.#valueOf(held);
  }

  /**
   * A value. An aggregate is the caller's to release; JSON is frozen, and the same object for all who ask in
   * this process. A hit costs a fraction of a microsecond, what is not at hand a question to the owner.
   * @returns undefined where there is none
   * @throws ERR_IOLITE_PEER when there is no owner to ask; ERR_IOLITE_CLOSED; the signal's reason
   */
  get(key: string, options: GetOptions = {}): Promise<CachedValue | undefined> {
    try {
      const held = this.#fresh(key);
      if (held !== undefined) {
        this.#hits += 1;
        return Promise.resolve(this.#valueOf(held));
      }
      this.#misses += 1;
      return this.#find(key, options.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Whether there is a value under a key. As {@link get}. */
  async has(key: string, options: GetOptions = {}): Promise<boolean> {
    if (this.#fresh(key) !== undefined) return true;
    const held = await this.#ask(key, options.signal);
    held?.release();
    return held !== undefined;
  }

  /**
   * Keeps a value in place of what is under the key, and resolves when no process finds any more what was
   * before. An aggregate stays the caller's; its bytes are taken over by reference where that is possible.
   * @returns whether it is kept: not where there is no room for it
   * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE for what cannot be kept; ERR_IOLITE_PEER where it is not
   *   known what became of it; ERR_IOLITE_CLOSED, ERR_IOLITE_LIMIT
   */
  async set(key: string, value: Cacheable, options: KeepOptions = {}): Promise<boolean> {
    this.#check(key);
    const { kind, content } = this.#encode(value);
    try {
      const facts = newFacts(kind, options);
      return await this.#withKeeper(keeper => keeper.set(key, facts, content));
    } finally {
      content.release();
    }
  }

  /**
   * A value; where there is none it is made, by one of all processes, for whom the others wait. What fails
   * is not kept: who waits fails as well, and who asks next tries again.
   * @param make gives the value. What it gives of a time before the key was set, deleted or invalidated is
   *   returned, and not kept
   * @throws what `make` throws; ERR_IOLITE_REMOTE when that was in another process; ERR_IOLITE_TIMEOUT when
   *   it takes too long; as {@link get} and {@link set}
   */
  async getOrSet(
    key: string,
    make: (key: string, context: MakeContext) => Cacheable | Promise<Cacheable>,
    options: GetOrSetOptions = {},
  ): Promise<CachedValue> {
    this.#check(key);
    if (typeof make !== 'function')
      throw new ArgumentError(`Cannot make value: a function is wanted, ${describe(make)} was given`);
    newFacts('bytes', options, ['timeout', 'signal']);
    checkInteger(options.timeout ?? 1, 'timeout', 1, 2 ** 31 - 1);
    const held = this.#usable(key) ?? (await this.#askAny(key, options.signal));
    try {
      if (held !== undefined && isFresh(held.facts, now())) {
        this.#hits += 1;
        return this.#valueOf(held);
      }
      this.#misses += 1;
      if (held === undefined)
        return (await this.#claim(key, make, options, { since: 0, waits: true })) as CachedValue;
      const { at: since } = held.facts;
      this.#claim(key, make, { ...options, signal: undefined as never }, { since, waits: false }).then(
        releaseValue,
        ignore,
      );
      return this.#valueOf(held);
    } finally {
      held?.release();
    }
  }

  /** Forgets a value. @returns whether there was one @throws as {@link set} */
  async delete(key: string): Promise<boolean> {
    this.#check(key);
    return this.#withKeeper(keeper => keeper.delete(key));
  }

  /**
   * Forgets all that is named, and resolves when no process finds any of it. What is being made meanwhile is
   * not kept. @returns how many values there were @throws as {@link set}
   */
  async invalidate(selector: Selector): Promise<number> {
    this.#checkOpen();
    checkSelector(selector);
    return this.#withKeeper(keeper => keeper.invalidate(selector));
  }

  /** The keys that there are now, and the bytes of each. @param prefix which they begin with. Default: all */
  async keys(prefix = ''): Promise<readonly KeptKey[]> {
    this.#checkOpen();
    if (typeof prefix !== 'string')
      throw new ArgumentError(`Cannot list keys: a text is wanted, ${describe(prefix)} was given`);
    return this.#withKeeper(keeper => keeper.keys(prefix));
  }

  /** All values that there are now, with their keys. Aggregates are the caller's to release. */
  async *[Symbol.asyncIterator](): AsyncGenerator<readonly [key: string, value: CachedValue]> {
    for (const [key] of await this.keys()) {
      const value = await this.get(key);
      if (value !== undefined) yield [key, value];
    }
  }

  /** Figures of this process. */
  stats(): SharedCacheStats {
    const { entries, bytes, budget } =
      this.#own?.statsNow() ?? ({ ...this.#index.stats(), budget: this.#index.budget } as const);
    return { role: this.role, entries, bytes, budget, hits: this.#hits, misses: this.#misses };
  }

  /** Figures of the process that owns it. */
  totals(): ReturnType<Keeper['stats']> {
    return this.#withKeeper(keeper => keeper.stats());
  }

  /** Leaves it. Values that were given out stay valid. What waits fails with ERR_IOLITE_CLOSED. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const { reject } of this.#waiting) reject(closedError());
    this.#waiting.clear();
    this.#keeper = undefined;
    this.#index.close();
    await this.#membership.close();
    this.#own?.close();
    this.#own = undefined;
    this.#pool.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // Roles

  #becomeOwner(isFollowing: boolean): void {
    const { policy = 's3fifo', pool, govern = true } = this.#options;
    const own = new OwnKeeper(
      {
        budget: this.#budget,
        policy: createPolicy(policy, this.#budget),
        pool,
        governor: govern ? ownGovernor() : undefined,
        maxStale: this.#maxStale,
      },
      isFollowing,
    );
    this.#own = own;
    this.#enter(own);
    this.emit('owner');
    void this.#inherit(own);
  }

  /** What this process holds of a former owner, with turns for others between. */
  async #inherit(own: OwnKeeper): Promise<void> {
    let turnEnd = performance.now() + TURN_MS;
    for (const held of this.#index.ofFormerOwners()) {
      if (!this.#closed) own.inherit(held.key, held.facts, held.content);
      held.release();
      if (performance.now() < turnEnd) continue;
      await setImmediate();
      turnEnd = performance.now() + TURN_MS;
    }
    this.#index.close();
  }

  async #attach(channel: Channel): Promise<void> {
    await this.#index.attach(channel);
    const keeper = new RemoteKeeper(channel);
    // What is not taken over in time is lost, as what nobody held is.
    keeper.offer(this.#index).catch(ignore);
    this.#enter(keeper);
    this.emit('attached');
  }

  #enter(keeper: Keeper): void {
    this.#keeper = keeper;
    for (const { resolve } of this.#waiting) resolve(keeper);
    this.#waiting.clear();
  }

  #left(reason: Error): void {
    const wasAttached = this.#keeper !== undefined;
    this.#keeper = undefined;
    if (wasAttached) this.emit('detached', reason);
    else for (const { reject } of this.#waiting) reject(reason);
    if (!wasAttached) this.#waiting.clear();
  }

  /** Has a keeper do something; another one where it is gone meanwhile. */
  async #withKeeper<T>(act: (keeper: Keeper) => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    this.#checkOpen();
    this.#membership.ref();
    try {
      for (let tries = 1; ; tries++) {
        const keeper = this.#keeper ?? (await this.#nextKeeper(signal));
        try {
          return await act(keeper);
        } catch (error) {
          const isGone = (error as IoliteError).code === 'ERR_IOLITE_PEER' && this.#keeper !== keeper;
          if (!isGone || tries === MAX_TRIES) throw error;
        }
      }
    } finally {
      this.#membership.unref();
    }
  }

  async #nextKeeper(signal: AbortSignal | undefined): Promise<Keeper> {
    let waiter: { resolve: (keeper: Keeper) => void; reject: (error: Error) => void } | undefined;
    const next = new Promise<Keeper>((resolve, reject) => {
      waiter = { resolve, reject };
      this.#waiting.add(waiter);
    });
    try {
      return await abortable(next, signal);
    } finally {
      if (waiter !== undefined) this.#waiting.delete(waiter);
    }
  }

  // Values

  /** What is at hand and as it should be. Not retained. */
  #fresh(key: string): StoredVersion<ValueFacts> | undefined {
    const held = this.#own === undefined ? this.#index.peek(key) : this.#own.peek(key);
    if (held === undefined) {
      this.#check(key);
      return undefined;
    }
    return held.facts.fresh === undefined || isFresh(held.facts, now()) ? held : undefined;
  }

  /** What is at hand and may be given, be it stale; the caller's to release. */
  #usable(key: string): StoredVersion<ValueFacts> | undefined {
    const held = this.#own === undefined ? this.#index.peek(key) : this.#own.peek(key);
    return held === undefined || isOver(held.facts, now()) ? undefined : held.retain();
  }

  async #find(key: string, signal: AbortSignal | undefined): Promise<CachedValue | undefined> {
    const held = await this.#ask(key, signal);
    if (held === undefined) return undefined;
    try {
      return this.#valueOf(held);
    } finally {
      held.release();
    }
  }

  /** What the owner has and is as it should be; the caller's to release. */
  async #ask(key: string, signal?: AbortSignal): Promise<StoredVersion<ValueFacts> | undefined> {
    const held = await this.#askAny(key, signal);
    if (held === undefined || isFresh(held.facts, now())) return held;
    held.release();
    return undefined;
  }

  /** What the owner has, be it stale; the caller's to release. */
  async #askAny(key: string, signal?: AbortSignal): Promise<StoredVersion<ValueFacts> | undefined> {
    return this.#withKeeper(async () => {
      if (this.#own !== undefined) return this.#own.peek(key)?.retain();
      try {
        return await this.#index.ask(key, signal);
      } catch (error) {
        if ((error as IoliteError).code === 'ENOENT') return undefined;
        throw error;
      }
    }, signal);
  }

  /** Makes a value, or waits for who makes it. @returns undefined where another one does, and it is not to wait */
  async #claim(
    key: string,
    make: (key: string, context: MakeContext) => Cacheable | Promise<Cacheable>,
    options: GetOrSetOptions,
    { since, waits }: { since: number; waits: boolean },
  ): Promise<CachedValue | undefined> {
    const { timeout = DEFAULT_TIMEOUT_MS, signal } = options;
    for (let tries = 1; ; tries++) {
      const { keeper, answer } = await this.#withKeeper(
        async keeper => ({ keeper, answer: await keeper.claim(key, { since, timeout, waits, signal }) }),
        signal,
      );
      if (answer.kind === 'make') return this.#make(key, make, options, keeper, answer.id);
      if (answer.kind === 'made') return decoded(answer.value);
      if (answer.kind === 'busy') return undefined;
      const value = await this.#find(key, signal);
      if (value !== undefined) return value;
      if (tries === MAX_TRIES)
        throw new IoliteError(
          'ERR_IOLITE_LIMIT',
          `Cannot get value: it leaves the cache faster than it comes`,
        );
    }
  }

  async #make(
    key: string,
    make: (key: string, context: MakeContext) => Cacheable | Promise<Cacheable>,
    { timeout = DEFAULT_TIMEOUT_MS, signal: given, ...said }: GetOrSetOptions,
    keeper: Keeper,
    id: number,
  ): Promise<CachedValue> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(lateError(timeout)), timeout);
    const signal = given === undefined ? late.signal : AbortSignal.any([given, late.signal]);
    let kept: KeepOptions = said;
    const keep = (options: KeepOptions): void => {
      kept = options;
    };
    let content: Aggregate | undefined;
    try {
      const making = Promise.resolve(make(key, { signal, keep }));
      const value = await abortable(making, signal);
      const encoded = this.#encode(value);
      content = encoded.content;
      const facts = newFacts(encoded.kind, kept);
      const made = { kind: encoded.kind, content: content.duplicate() };
      // It was made, whatever becomes of it.
      await keeper.set(key, facts, content, id).catch(ignore);
      return decoded(made);
    } catch (error) {
      keeper.fail(id, signal.aborted ? undefined : (error as Error));
      throw error;
    } finally {
      clearTimeout(timer);
      content?.release();
    }
  }

  /** In memory that can be shared; the caller's to release. */
  #encode(value: Cacheable): { kind: MadeValue['kind']; content: Aggregate } {
    const encoded = encodeValue(value, this.#pool);
    const { content } = encoded;
    if (content.slices().some(({ lease }) => lease.chunk instanceof HeapChunk)) content.compact(this.#pool);
    return encoded;
  }

  #valueOf(held: StoredVersion<ValueFacts>): CachedValue {
    const { content, facts } = held;
    if (facts.kind === 'bytes')
      return content === undefined ? Aggregate.empty() : new VersionContent(content, held);
    const known = this.#decoded.get(held);
    if (known !== undefined) return known.value;
    const value = decodeValue(facts.kind, content);
    if ((content?.length ?? 0) <= MAX_DECODED_BYTES) this.#decoded.set(held, { value });
    return value;
  }

  #check(key: unknown): void {
    this.#checkOpen();
    checkKey(key);
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }
}

/** @param made its content is taken over */
function decoded({ kind, content }: MadeValue): CachedValue {
  if (kind === 'bytes') return content;
  try {
    return decodeValue(kind, content);
  } finally {
    content.release();
  }
}

function releaseValue(value: CachedValue | undefined): void {
  if (Aggregate.isAggregate(value)) value.release();
}

function closedError(): IoliteError {
  return new IoliteError('ERR_IOLITE_CLOSED', 'Cannot use shared cache: it is closed');
}

function lateError(timeout: number): IoliteError {
  return new IoliteError('ERR_IOLITE_TIMEOUT', `Cannot make value: it took longer than ${timeout} ms`);
}
