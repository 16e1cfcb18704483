import { setImmediate } from 'node:timers/promises';
import { ArgumentError, checkOptionNames, describe, optionNames } from '../../base/error.ts';
import type { ResponseStore } from './cache/response-store.ts';
import { keyOfTarget, mayGoOn, type Resource, startOf, targetOf } from './resource.ts';

/** What is to be forgotten, or to be asked for again: all that one of the lists names. */
export interface InvalidateOptions {
  /** Targets: with scheme and host, or paths with their queries, for all hosts there are. */
  readonly urls?: readonly string[];
  /** What targets begin with: as of `urls`. */
  readonly prefixes?: readonly string[];
  /** Names that responses have in Cache-Groups (RFC 9875), or in the fields that `groupFields` names. */
  readonly groups?: readonly string[];
  /**
   * 'drop' forgets. 'stale' keeps it to be validated, which costs the origin less, and lets it be sent where
   * the response allows it stale: while it is validated, or the origin fails (RFC 5861). Default 'drop'.
   */
  readonly mode?: 'drop' | 'stale';
}

/** What came of it. */
export interface Invalidated {
  /** Responses that were kept. */
  readonly responses: number;
  /** Its place in the log of the cluster, where there is one: what `cluster.applied()` takes. */
  readonly sequence?: number;
}

const LISTS = ['urls', 'prefixes', 'groups'] as const;
const NAMES = optionNames<InvalidateOptions>({ urls: true, prefixes: true, groups: true, mode: true });
const MAX_NAMES = 10_000;
/** After which it is others' turn. */
const TURN_MS = 5;
/** Targets that are compared between two looks at the clock. */
const SOME_TARGETS = 256;

/** What is named, checked. */
export class Invalidation {
  readonly mode: 'drop' | 'stale';
  /** Whole targets, and paths. */
  readonly #targets = new Set<string>();
  readonly #paths = new Set<string>();
  readonly #targetPrefixes: string[] = [];
  readonly #pathPrefixes: string[] = [];
  readonly #groups: readonly string[];

  /** @throws ERR_IOLITE_ARGUMENT */
  constructor(options: InvalidateOptions) {
    if (typeof options !== 'object' || options === null)
      throw new ArgumentError(`Cannot invalidate: options are wanted, ${describe(options)} was given`);
    checkOptionNames(options, NAMES, 'invalidate');
    const { mode = 'drop' } = options;
    if (mode !== 'drop' && mode !== 'stale')
      throw new ArgumentError(
        `Cannot invalidate: mode 'drop' or 'stale' is wanted, ${describe(mode)} was given`,
      );
    this.mode = mode;
    for (const name of LISTS) checkList(options, name);
    for (const url of options.urls ?? []) {
      const named = targetOf(url);
      if (named === undefined)
        throw new ArgumentError(`Cannot invalidate: a URL or a path is wanted, ${describe(url)} was given`);
      (named.startsWith('/') ? this.#paths : this.#targets).add(named);
    }
    for (const prefix of options.prefixes ?? []) {
      const named = targetOf(prefix);
      if (named === undefined)
        throw new ArgumentError(
          `Cannot invalidate: a prefix of URLs is wanted, ${describe(prefix)} was given`,
        );
      (named.startsWith('/') ? this.#pathPrefixes : this.#targetPrefixes).push(named);
    }
    this.#groups = options.groups ?? [];
  }

  /**
   * Whether what is asked for now may be of those that are named: in which groups it is, only its response
   * says.
   */
  concerns({ scheme, authority, path }: Resource): boolean {
    return this.#groups.length > 0 || this.#names(`${scheme}://${authority}${path}`);
  }

  /**
   * Has a store forget what is named. O(what is named) for URLs and groups, O(all targets) for paths and
   * prefixes, with turns for others between.
   * @returns how many responses it had
   */
  async apply(store: ResponseStore): Promise<number> {
    let count = 0;
    let turnEnd = performance.now() + TURN_MS;
    for (const keys of this.#keysIn(store)) {
      for (const key of keys) count += this.#end(store, key);
      if (performance.now() < turnEnd) continue;
      await setImmediate();
      turnEnd = performance.now() + TURN_MS;
    }
    return count;
  }

  /** Keys of what is named, some at a time, also none. */
  *#keysIn(store: ResponseStore): Generator<readonly string[]> {
    const { index } = store;
    for (const target of this.#targets) {
      const key = keyOfTarget(target);
      if (key !== target) yield [key];
      // Under the same target may be what clients' fields are part of.
      if (key === target || store.trustForwarded) yield index.ofTarget(startOf(target));
    }
    for (const group of this.#groups) for (const key of index.ofGroup(group)) yield [key];
    if (this.#paths.size + this.#pathPrefixes.length + this.#targetPrefixes.length === 0) return;
    let compared = 0;
    for (const [target, keys] of index.targets()) {
      compared += 1;
      if (this.#names(target)) yield keys;
      else if (compared % SOME_TARGETS === 0) yield [];
    }
  }

  #end(store: ResponseStore, key: string): number {
    if (this.mode === 'stale') return store.makeStale(key);
    const count = store.count(key);
    store.remove(key);
    return count;
  }

  #names(target: string): boolean {
    // Of a long one only the beginning is known: one too many costs a question to the origin.
    const goesOn = mayGoOn(target);
    const begins = (what: string, prefix: string): boolean =>
      what.startsWith(prefix) || (goesOn && prefix.startsWith(what));
    if (this.#targets.has(target)) return true;
    if (this.#targetPrefixes.some(prefix => begins(target, prefix))) return true;
    if (this.#paths.size === 0 && this.#pathPrefixes.length === 0) return false;
    const path = target.slice(target.indexOf('/', target.indexOf('://') + 3));
    if (this.#paths.has(path) || (goesOn && [...this.#paths].some(each => each.startsWith(path))))
      return true;
    return this.#pathPrefixes.some(prefix => begins(path, prefix));
  }
}

function checkList(options: InvalidateOptions, name: (typeof LISTS)[number]): void {
  const list: unknown = options[name];
  if (list === undefined) return;
  if (!Array.isArray(list) || list.length > MAX_NAMES || !list.every(isName))
    throw new ArgumentError(`Cannot invalidate: ${name} are to be ${MAX_NAMES} texts at most`);
}

function isName(name: unknown): boolean {
  return typeof name === 'string' && name !== '';
}
