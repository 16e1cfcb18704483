import { RecentMap } from '../../base/recent-map.ts';
import { shortCopy } from '../../base/short-copy.ts';
import type { CompiledRule } from './compiled-rule.ts';
import type { Cors } from './cors.ts';
import { FieldSet } from './field-set.ts';
import { decodedPath, encodedPath, filledIn, hasDots } from './path-pattern.ts';
import type { RuleTarget } from './rule.ts';

/** What rules say of a path. */
export interface Decision {
  /** Whether it may mean another path to who answers than to the rules: nobody is asked. */
  readonly isRefused: boolean;
  /** Which rules say something of it: by their places. */
  readonly matched: readonly number[];
  readonly cors: Cors | undefined;
  readonly redirect: { readonly status: number; readonly location: string } | undefined;
  /** The path that is looked for, encoded, if it is another one. */
  readonly path: string | undefined;
  /** What was taken off the path. */
  readonly stripped: string;
  readonly target: RuleTarget;
}

const NOTHING = { isRefused: false, cors: undefined, redirect: undefined, path: undefined } as const;

const ENCODED_SLASH = /%2f/i;
const ENCODED_SLASHES = /%2f/gi;
/** How many paths, and combinations of rules, are remembered. */
const MAX_PATHS = 16_384;

/**
 * Rules in their order. Each that matches a path adds its fields, a later one in place of an earlier; the
 * first with a redirect ends it; a rewrite changes the path for those behind it; the first with a target says
 * who answers. What was decided for a path is remembered: no pattern is tried twice for it, as long as it is
 * asked for.
 */
export class RuleBook {
  readonly #rules: readonly CompiledRule[];
  readonly #otherwise: RuleTarget;
  readonly #decisions = new RecentMap<string, Decision>(MAX_PATHS);
  readonly #sets = new Map<string, FieldSet>();
  /** By the rules that matched the request, and the path of the file. */
  readonly #setsOfFiles = new RecentMap<string, FieldSet>(MAX_PATHS);

  /** @param otherwise who answers where no rule says it */
  constructor(rules: readonly CompiledRule[], otherwise: RuleTarget) {
    this.#rules = rules;
    this.#otherwise = otherwise;
  }

  /** Who may be asked. */
  get targets(): readonly RuleTarget[] {
    return [this.#otherwise, ...this.#rules.map(({ target }) => target).filter(each => each !== undefined)];
  }

  /** @param rawPath as it was sent, without the query */
  decide(rawPath: string): Decision {
    let decision = this.#decisions.get(rawPath);
    if (decision === undefined) {
      decision = this.#decide(rawPath);
      const key = shortCopy(rawPath);
      if (key !== undefined) this.#decisions.set(key, decision);
    }
    return decision;
  }

  /** The fields of an answer. @param file where the file lies that it has, if it has one */
  fieldsFor(decision: Decision, file: string | undefined): FieldSet {
    const { matched, target, stripped } = decision;
    if (file === undefined) return this.#setOf(matched);
    const key = `${matched.join()} ${stripped} ${file}`;
    let set = this.#setsOfFiles.get(key);
    if (set === undefined) {
      const root = target.root ?? '';
      const path = stripped + (file.startsWith(root) ? file.slice(root.length) : file);
      const also = this.#rules.flatMap(({ match }, index) => (match(path) === undefined ? [] : [index]));
      set = this.#setOf([...new Set([...matched, ...also])].sort((a, b) => a - b));
      this.#setsOfFiles.set(key, set);
    }
    return set;
  }

  #setOf(matched: readonly number[]): FieldSet {
    const key = matched.join();
    let set = this.#sets.get(key);
    if (set === undefined) {
      set = new FieldSet(matched.flatMap(index => this.#rules[index]?.fields ?? []));
      this.#sets.set(key, set);
    }
    return set;
  }

  /**
   * Whether other rules hold for who takes an encoded slash for one, as many servers do: a rule that guards
   * `/secret/**` is not passed by as `/secret%2f`.
   */
  #hasTwoMeanings(rawPath: string, path: string): boolean {
    if (!ENCODED_SLASH.test(rawPath)) return false;
    const parted = decodedPath(rawPath.replaceAll(ENCODED_SLASHES, '/'));
    return this.#rules.some(({ match }) => (match(path) === undefined) !== (match(parted) === undefined));
  }

  #decide(rawPath: string): Decision {
    const matched: number[] = [];
    let [path, isRewritten, stripped] = [decodedPath(rawPath), false, ''];
    if (hasDots(path) || this.#hasTwoMeanings(rawPath, path))
      return this.#decision({ ...NOTHING, isRefused: true, matched, stripped }, undefined);
    let cors: Cors | undefined;
    let target: RuleTarget | undefined;
    for (const [index, rule] of this.#rules.entries()) {
      const captures = rule.match(path);
      if (captures === undefined) continue;
      matched.push(index);
      cors = rule.cors ?? cors;
      const { redirect, rewrite, strip } = rule;
      if (redirect !== undefined) {
        const { to, status = 301 } = redirect;
        const location = filledIn(to, captures);
        return this.#decision(
          { ...NOTHING, matched, cors, redirect: { status, location }, stripped },
          target,
        );
      }
      if (rewrite !== undefined) {
        path = decodedPath(filledIn(rewrite, captures));
        isRewritten = true;
      }
      if (target === undefined && rule.target !== undefined) {
        target = rule.target;
        if (strip !== '' && (path === strip || path.startsWith(`${strip}/`))) stripped = strip;
      }
    }
    // As it was sent, as far as that can be: an origin may tell one way to write it from another.
    const isAsSent = !isRewritten && rawPath.startsWith(stripped);
    const sent = isAsSent
      ? rawPath.slice(stripped.length)
      : encodedPath(path).slice(encodedPath(stripped).length);
    const seen = isRewritten || stripped !== '' ? sent || '/' : undefined;
    return this.#decision({ ...NOTHING, matched, cors, path: seen, stripped }, target);
  }

  #decision(decision: Omit<Decision, 'target'>, target: RuleTarget | undefined): Decision {
    return { ...decision, target: target ?? this.#otherwise };
  }
}
