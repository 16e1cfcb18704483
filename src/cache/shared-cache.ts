import { EventEmitter } from 'node:events';
import { Aggregate } from '../aggregate/aggregate.ts';
import { now } from '../base/clock.ts';
import { ArgumentError, checkInteger, describe, IoliteError, optionNames } from '../base/error.ts';
import { ignore } from '../base/ignore.ts';
import { observe, type Sample } from '../observe/sources.ts';
import { UNKNOWN } from '../store/directory/directory-view.ts';
import type { StoredVersion } from '../store/stored-version.ts';
import type { Keeper, KeptKey } from './keeper.ts';
import { type Maker, makeValue, timeoutOf } from './make-value.ts';
import { Member } from './member.ts';
import { checkSelector, type Selector } from './selector.ts';
import type {
  GetOptions,
  GetOrSetOptions,
  SharedCacheOptions,
  SharedCacheStats,
} from './shared-cache-options.ts';
import type { Cacheable, CachedValue } from './value.ts';
import { ValueCodec } from './value-codec.ts';
import { checkKey, isFresh, isOver, type KeepOptions, newFacts, type ValueFacts } from './value-facts.ts';
import { ValueFollower } from './value-follower.ts';

interface Events {
  /** This process owns the cache from now on. */
  owner: [];
  /** Another process owns it. */
  attached: [];
  /** The owner is gone; another one is looked for. */
  detached: [reason: Error];
}

const NAMES = optionNames<GetOrSetOptions>({
  ttl: true,
  staleWhileRevalidate: true,
  tags: true,
  timeout: true,
  signal: true,
});
/** How often what has left between two questions is asked for again. */
const MAX_TRIES = 8;

/**
 * One cache in memory for all processes of a user on this machine that name it so. Values lie there once, as
 * immutable bytes in memory that all of them map: to find one costs no message, and no copy.
 *
 * The first process owns it. When it ends, another one takes its place, with what it and the others have
 * mapped. A change resolves when no process finds any more what was before. Nothing that was set is certain
 * to be found: it may be evicted, and what nobody but the owner held goes with the owner.
 * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE for options; ERR_IOLITE_UNSUPPORTED where no memory is shared
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
  readonly #member: Member;
  readonly #codec = new ValueCodec();
  readonly #values: ValueFollower | undefined;
  #hits = 0;
  #misses = 0;
  #closed = false;

  constructor(name: string, options: SharedCacheOptions) {
    super();
    this.#member = new Member(name, options, {
      owner: () => this.emit('owner'),
      attached: () => this.emit('attached'),
      detached: reason => this.emit('detached', reason),
    });
    const { cluster } = options;
    const invalidate = (selector: Selector) => this.#member.withKeeper(keeper => keeper.invalidate(selector));
    if (cluster !== undefined) this.#values = new ValueFollower(name, cluster.log, invalidate);
    observe('cache', this, SharedCache.#samplesOf);
  }

  static #samplesOf(cache: SharedCache): readonly Sample[] | undefined {
    if (cache.#closed) return undefined;
    const [hits, misses] = [cache.#hits, cache.#misses];
    return [{ labels: { content: 'values' }, figures: { ...cache.#member.figures(), hits, misses } }];
  }

  /** What this process is. */
  get role(): SharedCacheStats['role'] {
    return this.#member.role;
  }

  /** Waits until there is an owner. @throws the signal's reason; why this process cannot attach */
  async ready({ signal }: GetOptions = {}): Promise<void> {
    await this.#member.withKeeper(async () => {}, signal);
  }

  /**
   * A value, if this process has its memory mapped; never waits, and asks nobody. An aggregate is the
   * caller's to release.
   * @throws ERR_IOLITE_CLOSED, ERR_IOLITE_ARGUMENT
   */
  peek(key: string): CachedValue | undefined {
    const held = this.#fresh(key);
    return held === undefined || held === UNKNOWN ? undefined : this.#codec.valueOf(held);
  }

  /**
   * A value. An aggregate is the caller's to release; JSON is frozen, and the same object for all who ask in
   * this process while it is asked for again and again. Costs about a microsecond; where it lies in memory
   * that is not mapped here yet, a question to the owner.
   * @returns undefined where there is none
   * @throws ERR_IOLITE_PEER when there is no owner to ask; ERR_IOLITE_CLOSED; the signal's reason
   */
  get(key: string, options: GetOptions = {}): Promise<CachedValue | undefined> {
    try {
      const held = this.#fresh(key);
      if (held === UNKNOWN || held === undefined) {
        this.#misses += 1;
        return held === UNKNOWN ? this.#find(key, options.signal) : NOTHING;
      }
      this.#hits += 1;
      return Promise.resolve(this.#codec.valueOf(held));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Whether {@link peek} would give a value. */
  isAtHand(key: string): boolean {
    return isVersion(this.#fresh(key));
  }

  /** Whether there is a value under a key. As {@link get}. */
  async has(key: string, options: GetOptions = {}): Promise<boolean> {
    const found = this.#fresh(key);
    if (found !== UNKNOWN) return found !== undefined;
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
    const { kind, content } = this.#codec.encode(value);
    try {
      const facts = newFacts(kind, options);
      const { own } = this.#member;
      if (own === undefined) return await this.#member.withKeeper(keeper => keeper.set(key, facts, content));
      const isKept = own.set(key, facts, content);
      // Where nobody else is to be waited for there is nothing that keeps the program.
      return typeof isKept === 'boolean' ? isKept : await this.#member.hold(() => isKept);
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
  async getOrSet(key: string, make: Maker, options: GetOrSetOptions = {}): Promise<CachedValue> {
    this.#check(key);
    if (typeof make !== 'function')
      throw new ArgumentError(`Cannot make value: a function is wanted, ${describe(make)} was given`);
    newFacts('bytes', options, NAMES);
    checkInteger(options.timeout ?? 1, 'timeout', 1, 2 ** 31 - 1);
    const atHand = this.#usable(key);
    const held = atHand ?? (await this.#member.ask(key, options.signal));
    try {
      const isRight = held !== undefined && isFresh(held.facts, now());
      if (isRight && atHand !== undefined) this.#hits += 1;
      else this.#misses += 1;
      if (isRight) return this.#codec.valueOf(held);
      if (held === undefined)
        return (await this.#claim(key, make, options, { since: 0, waits: true })) as CachedValue;
      const { at: since } = held.facts;
      this.#claim(key, make, { ...options, signal: undefined as never }, { since, waits: false }).then(
        releaseValue,
        ignore,
      );
      return this.#codec.valueOf(held);
    } finally {
      held?.release();
    }
  }

  /** Forgets a value. @returns whether there was one @throws as {@link set} */
  async delete(key: string): Promise<boolean> {
    this.#check(key);
    return this.#member.withKeeper(keeper => keeper.delete(key));
  }

  /**
   * Forgets all that is named, and resolves when no process finds any of it. What is being made meanwhile is
   * not kept. In a cluster other machines are told: a majority of NATS has it then.
   * @returns how many values there were here
   * @throws as {@link set}; ERR_IOLITE_CLUSTER when it is not certain that others are told
   */
  async invalidate(selector: Selector): Promise<number> {
    this.#checkOpen();
    checkSelector(selector);
    const count = await this.#member.withKeeper(keeper => keeper.invalidate(selector));
    await this.#values?.tell(selector);
    return count;
  }

  /** The keys that there are now, and the bytes of each. @param prefix which they begin with. Default: all */
  async keys(prefix = ''): Promise<readonly KeptKey[]> {
    this.#checkOpen();
    if (typeof prefix !== 'string')
      throw new ArgumentError(`Cannot list keys: a text is wanted, ${describe(prefix)} was given`);
    return this.#member.withKeeper(keeper => keeper.keys(prefix));
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
    const { entries, bytes, budget } = this.#member.stats();
    return { role: this.role, entries, bytes, budget, hits: this.#hits, misses: this.#misses };
  }

  /** Figures of the process that owns it. */
  totals(): ReturnType<Keeper['stats']> {
    return this.#member.withKeeper(keeper => keeper.stats());
  }

  /** Leaves it. Values that were given out stay valid. What waits fails with ERR_IOLITE_CLOSED. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#values?.close();
    await this.#member.close(closedError());
    this.#codec.close();
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // Values

  /** What there is and is as it should be: not retained. {@link UNKNOWN}: it is to be asked for. */
  #fresh(key: string): StoredVersion<ValueFacts> | typeof UNKNOWN | undefined {
    const held = this.#member.peek(key);
    if (!isVersion(held)) {
      this.#check(key);
      return held;
    }
    return held.facts.fresh === undefined || isFresh(held.facts, now()) ? held : undefined;
  }

  /** What is at hand and may be given, be it stale; the caller's to release. */
  #usable(key: string): StoredVersion<ValueFacts> | undefined {
    const held = this.#member.peek(key);
    return !isVersion(held) || isOver(held.facts, now()) ? undefined : held.retain();
  }

  async #find(key: string, signal: AbortSignal | undefined): Promise<CachedValue | undefined> {
    const held = await this.#ask(key, signal);
    if (held === undefined) return undefined;
    try {
      return this.#codec.valueOf(held);
    } finally {
      held.release();
    }
  }

  /** What the owner has and is as it should be; the caller's to release. */
  async #ask(key: string, signal?: AbortSignal): Promise<StoredVersion<ValueFacts> | undefined> {
    const held = await this.#member.ask(key, signal);
    if (held === undefined || isFresh(held.facts, now())) return held;
    held.release();
    return undefined;
  }

  /** Makes a value, or waits for who does. @returns undefined where one does, and it is not to wait */
  async #claim(
    key: string,
    make: Maker,
    options: GetOrSetOptions,
    { since, waits }: { since: number; waits: boolean },
  ): Promise<CachedValue | undefined> {
    const { signal } = options;
    const timeout = timeoutOf(options);
    for (let tries = 1; ; tries++) {
      const { keeper, answer } = await this.#member.withKeeper(
        async keeper => ({ keeper, answer: await keeper.claim(key, { since, timeout, waits, signal }) }),
        signal,
      );
      if (answer.kind === 'make') return this.#make(key, make, options, { keeper, id: answer.id });
      if (answer.kind === 'made') return this.#codec.decode(answer.value);
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
    make: Maker,
    options: GetOrSetOptions,
    { keeper, id }: { readonly keeper: Keeper; readonly id: number },
  ): Promise<CachedValue> {
    let content: Aggregate | undefined;
    let isOver = false;
    try {
      const made = await makeValue(key, make, options, () => {
        isOver = true;
        keeper.fail(id, undefined);
      });
      const encoded = this.#codec.encode(made.value);
      content = encoded.content;
      const facts = newFacts(encoded.kind, made.keep);
      // It was made, whatever becomes of it.
      await this.#member.hold(() => keeper.set(key, facts, encoded.content, id)).catch(ignore);
      return this.#codec.decode({ kind: encoded.kind, content: content.duplicate() });
    } catch (error) {
      if (!isOver) keeper.fail(id, error as Error);
      throw error;
    } finally {
      content?.release();
    }
  }

  #check(key: unknown): void {
    this.#checkOpen();
    checkKey(key);
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }
}

/** For all who find nothing. */
const NOTHING: Promise<undefined> = Promise.resolve(undefined);

function isVersion(
  held: StoredVersion<ValueFacts> | typeof UNKNOWN | undefined,
): held is StoredVersion<ValueFacts> {
  return held !== undefined && held !== UNKNOWN;
}

function releaseValue(value: CachedValue | undefined): void {
  if (Aggregate.isAggregate(value)) value.release();
}

function closedError(): IoliteError {
  return new IoliteError('ERR_IOLITE_CLOSED', 'Cannot use shared cache: it is closed');
}
