import { describe, IoliteError } from '../../base/error.ts';
import type { CacheEntry, CachePolicy } from '../policy.ts';
import { LeastRecentlyUsed } from './lru.ts';

/**
 * A policy by somebody else, between it and the cache: whatever it does, the cache gets a victim that is
 * there and eligible. When the policy throws, names another victim, names none although there are some, or
 * does not say whether it admits a content, that is reported once, and LRU, which has followed all along,
 * decides from then on. Adds O(1) to each call.
 */
export class GuardedPolicy implements CachePolicy {
  readonly #standIn = new LeastRecentlyUsed();
  readonly #present = new Set<CacheEntry>();
  readonly #report: (error: IoliteError) => void;
  readonly #policyName: string;
  #policy: CachePolicy | undefined;

  /** @param report hears of the policy's fault, ERR_IOLITE_POLICY, once */
  constructor(policy: CachePolicy, report: (error: IoliteError) => void) {
    this.#policy = policy;
    this.#policyName = policy.name;
    this.#report = report;
  }

  /** Of the policy that decides. */
  get name(): string {
    return this.#policy === undefined ? this.#standIn.name : this.#policyName;
  }

  admit(entry: CacheEntry, uses = 1): boolean {
    if (this.#policy?.admit === undefined) return true;
    const answer: unknown = this.#consult('admit', policy => policy.admit?.(entry, uses));
    if (typeof answer === 'boolean') return answer;
    this.#dismiss(`admit() returned ${describe(answer)}, which is no boolean`);
    return true;
  }

  added(entry: CacheEntry): void {
    this.#present.add(entry);
    this.#standIn.added(entry);
    this.#consult('added', policy => policy.added(entry));
  }

  hit(entry: CacheEntry): void {
    if (!this.#present.has(entry)) return;
    this.#standIn.hit(entry);
    this.#consult('hit', policy => policy.hit(entry));
  }

  removed(entry: CacheEntry, evicted: boolean): void {
    if (!this.#present.delete(entry)) return;
    this.#standIn.removed(entry);
    this.#consult('removed', policy => policy.removed(entry, evicted));
  }

  resized(budget: number): void {
    this.#consult('resized', policy => policy.resized?.(budget));
  }

  victim(eligible: (entry: CacheEntry) => boolean): CacheEntry | undefined {
    const isCandidate = (entry: CacheEntry): boolean => this.#present.has(entry) && eligible(entry);
    const named = this.#consult('victim', policy => policy.victim(isCandidate));
    if (named !== undefined && isCandidate(named)) return named;
    const victim = this.#standIn.victim(isCandidate);
    if (named !== undefined) this.#dismiss(`victim() named ${describe(named)}, which is no eligible entry`);
    else if (victim !== undefined) this.#dismiss('victim() named none, although there are eligible entries');
    return victim;
  }

  #consult<T>(method: string, call: (policy: CachePolicy) => T): T | undefined {
    if (this.#policy === undefined) return undefined;
    try {
      const answer = call(this.#policy);
      if (!(answer instanceof Promise)) return answer;
      this.#dismiss(`${method}() returned a promise`);
      answer.catch(() => {});
    } catch (error) {
      this.#dismiss(`${method}() threw`, error);
    }
    return undefined;
  }

  #dismiss(fault: string, cause?: unknown): void {
    if (this.#policy === undefined) return;
    this.#policy = undefined;
    const name = describe(this.#policyName);
    const message = `Cannot go on with cache policy ${name}: its ${fault}. LRU takes over`;
    this.#report(new IoliteError('ERR_IOLITE_POLICY', message, { cause }));
  }
}
