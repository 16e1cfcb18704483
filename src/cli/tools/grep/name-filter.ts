import { globExpression, isGlob } from './glob.ts';

/** One `--include` or `--exclude`. */
export interface NameRule {
  readonly pattern: string;
  readonly includes: boolean;
}

/**
 * Which files are searched, by their names. The last rule that matches decides; where none does, the opposite
 * of the first. A file that is found in a directory goes by its last name alone. One on the command line goes
 * by all of what is written there, and by each part of it behind a slash.
 */
export class NameFilter {
  readonly #rules: readonly { readonly matches: (name: string) => boolean; readonly includes: boolean }[];

  constructor(rules: readonly NameRule[]) {
    this.#rules = rules.map(({ pattern, includes }) => {
      if (!isGlob(pattern)) return { includes, matches: name => name === pattern };
      const expression = globExpression(pattern);
      return { includes, matches: name => expression.test(name) };
    });
  }

  /** @param isOperand whether the name is one of the command line */
  takes(name: string, isOperand: boolean): boolean {
    const [first] = this.#rules;
    if (first === undefined) return true;
    const names = isOperand ? tailsOf(name) : [name];
    const last = this.#rules.findLast(({ matches }) => names.some(matches));
    return last === undefined ? !first.includes : last.includes;
  }
}

function tailsOf(name: string): string[] {
  const tails = [name];
  for (let at = name.indexOf('/'); at !== -1; at = name.indexOf('/', at + 1)) {
    if (name[at + 1] !== '/') tails.push(name.slice(at + 1));
  }
  return tails;
}
