import { targetOfKey } from '../resource.ts';
import type { StoredFacts } from './response-facts.ts';

/** Keys, of which there is mostly one: then without a set. */
type Keys = string | Set<string>;

/**
 * What is stored by what it may be forgotten by: targets of resources, and groups of responses. About a
 * hundred bytes for each.
 */
export class ResponseIndex {
  /** Keys of resources. */
  readonly #byTarget = new Map<string, Keys>();
  /** Keys of responses. */
  readonly #byGroup = new Map<string, Keys>();

  /** @param resource of the response whose key it is, if that is another one's: it is found by that */
  add(key: string, facts: StoredFacts, resource: string | undefined): void {
    if (resource === undefined) join(this.#byTarget, targetOf(key, facts), key);
    for (const group of groupsOf(facts)) join(this.#byGroup, group, key);
  }

  delete(key: string, facts: StoredFacts, resource: string | undefined): void {
    if (resource === undefined) leave(this.#byTarget, targetOf(key, facts), key);
    for (const group of groupsOf(facts)) leave(this.#byGroup, group, key);
  }

  /** Keys of what is stored of a target, or of those that begin so where it is a long one's beginning. */
  ofTarget(target: string): readonly string[] {
    return listOf(this.#byTarget.get(target));
  }

  /** Keys of the responses that are in a group. */
  ofGroup(group: string): readonly string[] {
    return listOf(this.#byGroup.get(group));
  }

  /** All targets, or how they begin, with their keys. */
  *targets(): Generator<readonly [target: string, keys: readonly string[]]> {
    for (const [target, keys] of this.#byTarget) yield [target, listOf(keys)];
  }
}

function targetOf(key: string, { start }: StoredFacts): string {
  return start ?? targetOfKey(key);
}

function groupsOf(facts: StoredFacts): readonly string[] {
  return facts.kind === 'response' ? (facts.groups ?? []) : [];
}

function listOf(keys: Keys | undefined): readonly string[] {
  if (keys === undefined) return [];
  return typeof keys === 'string' ? [keys] : [...keys];
}

function join(map: Map<string, Keys>, name: string, key: string): void {
  const keys = map.get(name);
  if (keys === undefined) map.set(name, key);
  else if (typeof keys !== 'string') keys.add(key);
  else if (keys !== key) map.set(name, new Set([keys, key]));
}

function leave(map: Map<string, Keys>, name: string, key: string): void {
  const keys = map.get(name);
  if (keys === key) map.delete(name);
  else if (typeof keys === 'object' && keys.delete(key) && keys.size === 0) map.delete(name);
}
