import { ArgumentError, checkInteger, describe } from '../../base/error.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import type { CachePolicy } from '../policy.ts';
import { PolicyRehearsal, type Step, Violation } from './policy-rehearsal.ts';

/** How thoroughly a policy is checked. */
export interface PolicyCheckOptions {
  /** The same seed makes the same operations. Default 1. */
  readonly seed?: number;
  /** Caches that are played through, each with a policy of its own. Default 300. */
  readonly rounds?: number;
}

/** A sentence of the interface that a policy breaks, and how to see it. */
export interface PolicyFault {
  /** Which rule it has broken. */
  readonly rule: string;
  /** What was found instead. */
  readonly found: string;
  /** In bytes, that the policy was made for. */
  readonly budget: number;
  /** The calls that led to it, on a new policy, with what they returned. The last one shows it. */
  readonly calls: readonly string[];
}

const DEFAULT_ROUNDS = 300;
const MAX_ROUNDS = 1e6;
const MAX_SEED = 0xffff_ffff;
const MAX_STEPS = 120;
/** Playing a sequence again, to see what of it is needed. */
const MAX_REPLAYS = 2000;
const BUDGETS = [0, 1000, 1000, 1000, 64 * 1024, 2 ** 44];
/** Parts of the budget that a content may take; further ones are 0, 1 byte, and one byte too much. */
const SIZE_PARTS = [0.01, 0.05, 0.1, 0.1, 0.2, 0.5, 0.9, 1];
const KINDS: readonly Step['kind'][] = [
  ...(['read', 'read', 'read', 'read', 'read', 'read', 'read', 'read', 'change', 'remove'] as const),
  ...(['hold', 'hold', 'release', 'release', 'release', 'evict', 'scan'] as const),
  ...(['hit a stranger', 'remove a stranger'] as const),
];
/** Paths, extents of large files, and what an object that is used as a map takes for its own. */
const KEYS = ['', '/', '/a', '/A', '/b', '/c', '/dir/a', '/é', '7\u00000', '7\u00001', '17\u00000'].concat([
  '__proto__',
  'constructor',
  '0',
  '1',
  '-1',
]);

/**
 * Whether a policy keeps what the interface {@link CachePolicy} asks for: plays random but repeatable
 * operations on it beside a model. For the tests of who writes a policy; takes about a second. How good its
 * choices are, and what they cost, is not looked at: `CacheSimulation` and `iolite bench cache` tell.
 * @param create makes a policy for a cache of this many bytes, with nothing in it
 * @returns the sentences it breaks, each with a short sequence of calls that shows it; none: it is right, as
 *   far as was seen
 * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE; what `create` throws
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { type CacheEntry, checkPolicy, createPolicy } from 'iolite/file';
 *
 * assert.deepEqual(checkPolicy(budget => createPolicy('gdsf', budget)), []);
 *
 * class LastInFirstOut {
 *   readonly name = 'lifo';
 *   readonly #entries: CacheEntry[] = [];
 *   added(entry: CacheEntry): void {
 *     this.#entries.push(entry);
 *   }
 *   hit(): void {}
 *   removed(): void {} // forgets to forget
 *   victim(eligible: (entry: CacheEntry) => boolean): CacheEntry | undefined {
 *     return this.#entries.findLast(eligible);
 *   }
 * }
 * const [fault] = checkPolicy(() => new LastInFirstOut());
 * assert.equal(fault?.rule, 'What was removed, or not admitted, is forgotten');
 * console.log(fault.calls.join('\n')); // added(...), removed(...), victim()
 * ```
 */
export function checkPolicy(
  create: (budget: number) => CachePolicy,
  options: PolicyCheckOptions = {},
): PolicyFault[] {
  if (typeof create !== 'function')
    throw new ArgumentError(`Cannot check policy: a function is wanted, ${describe(create)} was given`);
  const { seed = 1, rounds = DEFAULT_ROUNDS } = options;
  checkInteger(seed, 'seed', 0, MAX_SEED);
  checkInteger(rounds, 'rounds', 1, MAX_ROUNDS);
  const random = new SeededRandom(seed);
  const faults = new Map<string, PolicyFault>();
  for (let round = 0; round < rounds; round++) {
    const budget = oneOf(BUDGETS, random);
    const steps = stepsOf(budget, random);
    const fault = play(create, budget, steps);
    if (fault === undefined || faults.has(fault.rule)) continue;
    faults.set(fault.rule, shortest(create, fault, steps));
  }
  return [...faults.values()];
}

function stepsOf(budget: number, random: SeededRandom): Step[] {
  const sizes = [0, 1, budget + 1, ...SIZE_PARTS.map(part => Math.ceil(part * budget))];
  // With few names they come again soon, with few sizes they are often equal.
  const keys = KEYS.slice(0, 1 + integerBelow(KEYS.length, random));
  const few = Array.from({ length: 3 }, () => oneOf(sizes, random));
  return Array.from({ length: 1 + integerBelow(MAX_STEPS, random) }, () => ({
    kind: oneOf(KINDS, random),
    key: oneOf(keys, random),
    size: oneOf(few, random),
  }));
}

/** @returns the first thing that a new policy does wrong in these steps */
function play(
  create: (budget: number) => CachePolicy,
  budget: number,
  steps: readonly Step[],
): PolicyFault | undefined {
  const policy = create(budget);
  let calls: readonly string[] = [];
  try {
    const rehearsal = new PolicyRehearsal(policy, budget);
    calls = rehearsal.calls;
    for (const step of steps) rehearsal.perform(step);
    rehearsal.end();
    return undefined;
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return { rule: error.rule, found: error.message, budget, calls };
  }
}

/** The same fault by fewer steps: leaves out ever smaller parts, as long as it shows. */
function shortest(
  create: (budget: number) => CachePolicy,
  fault: PolicyFault,
  steps: readonly Step[],
): PolicyFault {
  let [best, left] = [fault, steps];
  let replays = 0;
  for (let length = left.length >> 1; length > 0; length >>= 1) {
    for (let at = 0; at < left.length && replays < MAX_REPLAYS; replays++) {
      const fewer = [...left.slice(0, at), ...left.slice(at + length)];
      const again = play(create, fault.budget, fewer);
      if (again?.rule !== fault.rule) at += length;
      else [best, left] = [again, fewer];
    }
  }
  return best;
}

function oneOf<T>(values: readonly T[], random: SeededRandom): T {
  return values[integerBelow(values.length, random)] as T;
}

function integerBelow(bound: number, random: SeededRandom): number {
  return Math.floor(random.uniform() * bound);
}
