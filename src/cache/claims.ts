import { randomInt } from 'node:crypto';
import { IoliteError } from '../base/error.ts';
import { type Selector, selects } from './selector.ts';

/** What one who wants a value that is not there is told. */
export type ClaimAnswer<T> =
  /** It is there by now. */
  | { readonly kind: 'found' }
  /** Somebody makes it, and the asker did not want to wait. */
  | { readonly kind: 'busy' }
  /** The asker is to make it, under this number. */
  | { readonly kind: 'make'; readonly id: number }
  /** It was made and is not kept: a share of it, the asker's. */
  | { readonly kind: 'made'; readonly value: T };

interface Waiter<T> {
  readonly maker: object;
  readonly settle: (outcome: ClaimAnswer<T> | Error) => void;
}

/** That somebody makes a value. */
class Claim<T> {
  readonly id: number;
  readonly key: string;
  readonly maker: object;
  /** Milliseconds that making it may take. */
  readonly timeout: number;
  readonly waiters: Waiter<T>[] = [];
  /** Tags that were invalidated since it began. */
  readonly tags = new Set<string>();
  /** Whether what is made is older than something that has happened to the key. */
  isOutdated = false;
  /** Whether who asks now may wait for it. */
  isJoinable = true;
  timer: NodeJS.Timeout | undefined;

  constructor(id: number, key: string, maker: object, timeout: number) {
    this.id = id;
    this.key = key;
    this.maker = maker;
    this.timeout = timeout;
  }
}

/** Most that wait for one value; and most values that one domain makes at a time. */
const MAX_WAITERS = 100_000;
const MAX_CLAIMS = 20_000;

/**
 * Who makes which value: one at a time for a key, whom the others wait for. One that dies, or takes longer
 * than it may, is followed by the first who waits. What is made of a time before the key was set, deleted or
 * invalidated goes to those who have waited since then, and is not kept.
 */
export class Claims<T> {
  readonly #byId = new Map<number, Claim<T>>();
  /** In the order in which they began; the last alone may be joinable. */
  readonly #byKey = new Map<string, Claim<T>[]>();
  readonly #countOf = new WeakMap<object, number>();
  readonly #share: (value: T) => T;
  /** Begins anywhere, so that no number is one of a former owner's. */
  #lastId = randomInt(2 ** 40);

  /** @param share makes a waiter's share of a value */
  constructor(share: (value: T) => T) {
    this.#share = share;
  }

  /** How many values are made now. */
  get size(): number {
    return this.#byId.size;
  }

  /**
   * @param maker who asks: what {@link gone} is told
   * @param timeout milliseconds that making may take before another may
   * @param waits whether the asker waits for somebody else who makes it
   * @throws what the maker failed with; ERR_IOLITE_LIMIT; the signal's reason
   */
  claim(
    key: string,
    maker: object,
    { timeout, waits, signal }: { timeout: number; waits: boolean; signal?: AbortSignal | undefined },
  ): ClaimAnswer<T> | Promise<ClaimAnswer<T>> {
    signal?.throwIfAborted();
    const claim = this.#joinable(key);
    if (claim === undefined) {
      if ((this.#countOf.get(maker) ?? 0) >= MAX_CLAIMS)
        throw new IoliteError('ERR_IOLITE_LIMIT', `Cannot make value: ${MAX_CLAIMS} are being made already`);
      return { kind: 'make', id: this.#begin(key, maker, timeout).id };
    }
    if (!waits) return { kind: 'busy' };
    if (claim.waiters.length >= MAX_WAITERS)
      throw new IoliteError('ERR_IOLITE_LIMIT', `Cannot wait for value: ${MAX_WAITERS} wait already`);
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        const index = claim.waiters.indexOf(waiter);
        if (index !== -1) claim.waiters.splice(index, 1);
        reject(signal?.reason);
      };
      const waiter: Waiter<T> = {
        maker,
        settle: outcome => {
          signal?.removeEventListener('abort', abort);
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
        },
      };
      signal?.addEventListener('abort', abort, { once: true });
      claim.waiters.push(waiter);
    });
  }

  /**
   * A value was made. @returns whether it may be kept; what becomes of it is told by {@link settle}
   */
  mayKeep(id: number, key: string, maker: object, tags: readonly string[] = []): boolean {
    const claim = this.#byId.get(id);
    if (claim === undefined || claim.key !== key || claim.maker !== maker) return false;
    return !claim.isOutdated && !tags.some(tag => claim.tags.has(tag));
  }

  /**
   * Ends a claim. @param value what those who wait get, of which each takes a share; undefined: it is kept
   */
  settle(id: number, maker: object, value: T | undefined): void {
    for (const waiter of this.#end(id, maker))
      waiter.settle(value === undefined ? { kind: 'found' } : { kind: 'made', value: this.#share(value) });
  }

  /** To make it has failed. Who waits fails as well; who asks next makes it. */
  fail(id: number, maker: object, error: Error): void {
    for (const waiter of this.#end(id, maker)) waiter.settle(error);
  }

  /** Who was to make it has given up: the first who waits makes it. */
  pass(id: number, maker: object): void {
    const claim = this.#byId.get(id);
    if (claim?.maker === maker) this.#pass(claim);
  }

  /** Something has happened to a key: what is being made for it is of before. */
  outdate(key: string): void {
    for (const claim of this.#byKey.get(key) ?? []) {
      claim.isOutdated = true;
      claim.isJoinable = false;
    }
  }

  /** A value was made that may be kept: what others have begun to make before is not to take its place. */
  overtake(id: number, key: string): void {
    for (const claim of this.#byKey.get(key) ?? []) if (claim.id < id) claim.isOutdated = true;
  }

  /** The same for all that a selector names. O(claims). */
  outdateAll(selector: Selector): void {
    for (const claim of this.#byId.values()) {
      if (selects(selector, claim.key)) {
        claim.isOutdated = true;
        claim.isJoinable = false;
      }
      for (const tag of selector.tags ?? []) claim.tags.add(tag);
      // Whether it has one of the tags only its maker knows: who asks from now on is to have it made anew.
      if (selector.tags !== undefined) claim.isJoinable = false;
    }
  }

  /** A maker is gone: the first who waits for a value of its makes it. */
  gone(maker: object): void {
    for (const claim of [...this.#byId.values()]) {
      const { waiters } = claim;
      for (let index = waiters.length - 1; index >= 0; index--)
        if (waiters[index]?.maker === maker) waiters.splice(index, 1);
      if (claim.maker === maker) this.#pass(claim);
    }
  }

  /** All who wait fail. */
  close(error: Error): void {
    for (const claim of [...this.#byId.values()]) this.fail(claim.id, claim.maker, error);
  }

  #begin(key: string, maker: object, timeout: number): Claim<T> {
    this.#lastId += 1;
    const claim = new Claim<T>(this.#lastId, key, maker, timeout);
    this.#byId.set(claim.id, claim);
    this.#countOf.set(maker, (this.#countOf.get(maker) ?? 0) + 1);
    const others = this.#byKey.get(key);
    if (others === undefined) this.#byKey.set(key, [claim]);
    else others.push(claim);
    claim.timer = setTimeout(() => this.#pass(claim), timeout).unref();
    return claim;
  }

  /** A claim leads to nothing: whoever waits is next. */
  #pass(claim: Claim<T>): void {
    const waiters = this.#end(claim.id, claim.maker);
    const [first, ...others] = waiters;
    if (first === undefined) return;
    const newer = this.#joinable(claim.key);
    if (newer !== undefined) {
      // What was begun since is at least as new as they want it.
      newer.waiters.push(...waiters);
      return;
    }
    const next = this.#begin(claim.key, first.maker, claim.timeout);
    next.waiters.push(...others);
    first.settle({ kind: 'make', id: next.id });
  }

  #end(id: number, maker: object): Waiter<T>[] {
    const claim = this.#byId.get(id);
    if (claim === undefined || claim.maker !== maker) return [];
    clearTimeout(claim.timer);
    this.#byId.delete(id);
    this.#countOf.set(maker, (this.#countOf.get(maker) ?? 1) - 1);
    const left = (this.#byKey.get(claim.key) ?? []).filter(each => each !== claim);
    if (left.length > 0) this.#byKey.set(claim.key, left);
    else this.#byKey.delete(claim.key);
    return claim.waiters.splice(0);
  }

  /** Whose value who asks now may wait for. */
  #joinable(key: string): Claim<T> | undefined {
    const last = this.#byKey.get(key)?.at(-1);
    return last?.isJoinable === true ? last : undefined;
  }
}
