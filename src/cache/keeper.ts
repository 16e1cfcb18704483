import type { Aggregate } from '../aggregate/aggregate.ts';
import type { ClaimAnswer } from './claims.ts';
import type { Selector } from './selector.ts';
import type { NewFacts, ValueFacts } from './value-facts.ts';

/** A value that was made and is not kept. */
export interface MadeValue {
  readonly kind: NewFacts['kind'];
  /** A reference, whoever is given it releases it. */
  readonly content: Aggregate;
}

/** A key that is kept. */
export type KeptKey = readonly [key: string, bytes: number];

/** How to claim the making of a value. */
export interface ClaimOptions {
  /** When the value was set that is there and not good enough; 0: there is none. */
  readonly since: number;
  /** Milliseconds that making it may take before another may. */
  readonly timeout: number;
  /** Whether to wait for somebody else who makes it. */
  readonly waits: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Counters of who keeps the values. */
export type KeeperStats = {
  /** Values that are kept. */
  readonly entries: number;
  /** What they take of the budget. */
  readonly bytes: number;
  /** Most bytes that it keeps. */
  readonly budget: number;
  /** Values that had to leave for others. */
  readonly evictions: number;
  /** Values that were set. */
  readonly sets: number;
  /** Values that are being made. */
  readonly making: number;
  /** Other domains that are attached. */
  readonly attached: number;
};

/**
 * Who keeps the values of a shared cache: this process, or another one. What changes something resolves when
 * nobody finds any more what was before.
 */
export interface Keeper {
  /**
   * Keeps a value in place of what is under the key.
   * @param content stays the caller's
   * @param claim the number under which it was made
   * @returns whether it is kept: not where there is no room, or what it was made of is outdated
   */
  set(key: string, facts: NewFacts, content: Aggregate, claim?: number): Promise<boolean> | boolean;
  /** @returns whether there was something */
  delete(key: string): Promise<boolean>;
  /** @returns how many values there were */
  invalidate(selector: Selector): Promise<number>;
  claim(key: string, options: ClaimOptions): ClaimAnswer<MadeValue> | Promise<ClaimAnswer<MadeValue>>;
  /** What was claimed cannot be made. @param error undefined: it was given up, and another may try */
  fail(id: number, error: Error | undefined): void;
  /** All keys that begin so, as of now. */
  keys(prefix: string): Promise<readonly KeptKey[]>;
  stats(): Promise<KeeperStats>;
}

/** A keeper in this process, as its services see it: each is a maker of its own. */
export interface ServedKeeper {
  setFor(
    maker: object,
    key: string,
    facts: NewFacts,
    content: Aggregate,
    claim?: number,
  ): Promise<boolean> | boolean;
  claimFor(
    maker: object,
    key: string,
    options: ClaimOptions,
  ): ClaimAnswer<MadeValue> | Promise<ClaimAnswer<MadeValue>>;
  failFor(maker: object, id: number, error: Error | undefined): void;
  invalidate(selector: Selector): Promise<number>;
  keys(prefix: string): Promise<readonly KeptKey[]>;
  statsNow(): KeeperStats;
  /** Whether {@link inherit} would keep it. */
  wants(key: string, facts: ValueFacts): boolean;
  /**
   * Keeps what a former owner had, unless it has come to an end or something has happened to it since.
   * @param content stays the caller's
   */
  inherit(key: string, facts: ValueFacts, content: Aggregate | undefined): void;
}
