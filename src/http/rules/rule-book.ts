import { RecentMap } from '../../base/recent-map.ts';
import type { CompiledRule } from './compiled-rule.ts';
import type { Cors } from './cors.ts';
import { FieldSet } from './field-set.ts';
import { encodedPath, filledIn } from './path-pattern.ts';
import type { RuleTarget } from './rule.ts';

/** What rules say of a path. */
export interface Decision {
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
      this.#decisions.set(rawPath, decision);
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

  #decide(rawPath: string): Decision {
    const matched: number[] = [];
    let [path, isRewritten, stripped] = [decodedPath(rawPath), false, ''];
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
          { matched, cors, redirect: { status, location }, path: undefined, stripped },
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
    const sent = isRewritten || !rawPath.startsWith(stripped) ? encodedPath(path) : rawPath;
    const isOther = isRewritten || stripped !== '';
    const seen = isOther ? sent.slice(encodedPath(stripped).length) || '/' : undefined;
    return this.#decision({ matched, cors, redirect: undefined, path: seen, stripped }, target);
  }

  #decision(decision: Omit<Decision, 'target'>, target: RuleTarget | undefined): Decision {
    return { ...decision, target: target ?? this.#otherwise };
  }
}

/**
 * A path as patterns see it: decoded where that can be done, segment by segment, so that an encoded slash
 * parts nothing.
 */
function decodedPath(rawPath: string): string {
  if (!rawPath.includes('%')) return rawPath;
  return rawPath
    .split('/')
    .map(segment => {
      try {
        const decoded = decodeURIComponent(segment);
        return decoded.includes('/') ? segment : decoded;
      } catch {
        return segment;
      }
    })
    .join('/');
}
