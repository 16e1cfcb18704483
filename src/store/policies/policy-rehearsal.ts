import { describe } from '../../base/error.ts';
import type { CacheEntry, CachePolicy } from '../policy.ts';

/** What happens to a cache in one step. */
export interface Step {
  readonly kind:
    | ('read' | 'change' | 'remove' | 'hold' | 'release' | 'evict' | 'scan')
    | ('hit a stranger' | 'remove a stranger');
  /** Which of the names it happens to. */
  readonly key: string;
  /** Bytes that the content has which comes in. */
  readonly size: number;
}

/** A policy broke a sentence of its interface. */
export class Violation extends Error {
  readonly rule: string;

  constructor(rule: string, found: string) {
    super(found);
    this.rule = rule;
  }
}

const SCANNED_ENTRIES = 8;
const METHODS = ['added', 'hit', 'removed', 'victim'] as const;

/**
 * A cache without content that does as a policy says, and knows what it may say. Each step throws a
 * {@link Violation} where the policy breaks its interface.
 */
export class PolicyRehearsal {
  /** All calls of the policy, with what it answered, as text. */
  readonly calls: string[] = [];
  readonly #policy: CachePolicy;
  readonly #budget: number;
  readonly #present = new Map<string, CacheEntry>();
  /** Those that left, the latest last. */
  readonly #gone: CacheEntry[] = [];
  readonly #held = new Set<string>();
  #bytes = 0;
  #scanned = 0;

  /** @param budget in bytes, that the policy was made for */
  constructor(policy: CachePolicy, budget: number) {
    const missing = METHODS.filter(method => typeof policy?.[method] !== 'function');
    if (missing.length > 0) throw new Violation('It has all methods', `${missing.join(', ')} is missing`);
    if (typeof policy.name !== 'string')
      throw new Violation('It has a name', `its name is ${describe(policy.name)}`);
    this.#policy = policy;
    this.#budget = budget;
  }

  perform({ kind, key, size }: Step): void {
    const present = this.#present.get(key);
    if (kind === 'read') this.#read(key, size);
    else if (kind === 'hold') this.#held.add(key);
    else if (kind === 'release') this.#held.delete(key);
    else if (kind === 'evict') this.#evict();
    else if (kind === 'scan') this.#scan(size);
    else if (kind === 'hit a stranger')
      this.#forStrangers(key, size, entry => this.#call('hit', [entry], () => this.#policy.hit(entry)));
    else if (kind === 'remove a stranger')
      this.#forStrangers(key, size, entry =>
        this.#call('removed', [entry, true], () => this.#policy.removed(entry, true)),
      );
    else if (present !== undefined) {
      this.#remove(present, false);
      // Its file has another size now, which is another entry under the same key.
      if (kind === 'change') this.#read(key, size);
    }
  }

  /** Evicts all that is left, used or not: each entry is named once, and then none. */
  end(): void {
    this.#held.clear();
    while (this.#present.size > 0) this.#evict();
    this.#victim(() => true);
  }

  #read(key: string, size: number): void {
    const present = this.#present.get(key);
    if (present !== undefined) {
      this.#call('hit', [present], () => this.#policy.hit(present));
      return;
    }
    if (size > this.#budget) return;
    if (this.#bytes + size > this.#budget && !this.#admits({ key, size })) return;
    while (this.#bytes + size > this.#budget) this.#evict();
    const entry = { key, size };
    this.#present.set(key, entry);
    this.#bytes += size;
    this.#call('added', [entry], () => this.#policy.added(entry));
  }

  #admits(entry: CacheEntry): boolean {
    if (this.#policy.admit === undefined) return true;
    const answer: unknown = this.#call('admit', [entry], () => this.#policy.admit?.(entry));
    if (typeof answer !== 'boolean')
      throw new Violation('admit() returns true or false', `admit() returned ${describe(answer)}`);
    // Whatever it said, this object is no entry.
    this.#gone.push(entry);
    return answer;
  }

  #evict(): void {
    if (this.#present.size === 0) return;
    const isUnused = ({ key }: CacheEntry): boolean => !this.#held.has(key);
    const victim = this.#victim(isUnused) ?? this.#victim(() => true);
    if (victim !== undefined) this.#remove(victim, true);
  }

  /** Names that never come again, one after the other. */
  #scan(size: number): void {
    for (let i = 0; i < SCANNED_ENTRIES; i++) {
      this.#scanned += 1;
      this.#read(`scanned ${this.#scanned}`, size);
    }
  }

  /** What was never there, what is there no more, and another object for what is there. */
  #forStrangers(key: string, size: number, call: (entry: CacheEntry) => void): void {
    for (const entry of [{ key: `never ${key}`, size }, this.#gone.at(-1), { key, size }])
      if (entry !== undefined) call(entry);
  }

  #remove(entry: CacheEntry, evicted: boolean): void {
    this.#present.delete(entry.key);
    this.#gone.push(entry);
    this.#bytes -= entry.size;
    this.#call('removed', [entry, evicted], () => this.#policy.removed(entry, evicted));
  }

  #victim(isEligible: (entry: CacheEntry) => boolean): CacheEntry | undefined {
    const eligible = (entry: CacheEntry): boolean => {
      this.#checkPresent(entry, 'asked whether it is eligible');
      return isEligible(entry);
    };
    const wanted = [...this.#present.values()].filter(isEligible);
    const names = wanted.map(({ key }) => describe(key)).join(' or ') || 'none';
    const named = this.#call('victim', [], () => this.#policy.victim(eligible), `, of ${names}`);
    if (named === undefined) {
      if (wanted.length === 0) return undefined;
      throw new Violation('victim() names one as long as any is eligible', 'victim() returned undefined');
    }
    this.#checkPresent(named, 'named by victim()');
    if (wanted.includes(named)) return named;
    throw new Violation('victim() names what is eligible only', `victim() named ${textOf(named)}`);
  }

  #checkPresent(entry: unknown, what: string): asserts entry is CacheEntry {
    const { key } = (entry ?? {}) as CacheEntry;
    if (this.#present.get(key) === entry) return;
    const found = `${textOf(entry)} is ${what}`;
    if (this.#gone.includes(entry as CacheEntry))
      throw new Violation('What was removed, or not admitted, is forgotten', found);
    throw new Violation('Nothing is named or asked about but the entries that were added', found);
  }

  #call<T>(method: string, args: readonly unknown[], call: () => T, remark = ''): T {
    const text = `${method}(${args.map(textOf).join(', ')})${remark}`;
    let answer: T;
    try {
      answer = call();
    } catch (error) {
      const reason = error instanceof Error ? error.message : describe(error);
      this.calls.push(`${text}: ${reason}`);
      if (error instanceof Violation) throw error;
      throw new Violation('No method throws', `${method}() threw: ${reason}`);
    }
    this.calls.push(answer === undefined ? text : `${text}: ${textOf(answer)}`);
    if (typeof (answer as PromiseLike<T> | undefined)?.then !== 'function') return answer;
    void Promise.resolve(answer).catch(() => {});
    throw new Violation('All methods are synchronous', `${method}() returned a promise`);
  }
}

function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return describe(value);
  const { key, size } = value as CacheEntry;
  return typeof key === 'string' ? `${JSON.stringify(key)} of ${size} B` : describe(value);
}
