import { ArgumentError, describe } from '../../base/error.ts';
import { MAX_AGE_MS, publicFor } from '../message/max-age.ts';
import { Cors } from './cors.ts';
import { type FieldChanges, fieldList } from './field-set.ts';
import type { Captures } from './glob.ts';
import { encodedUri, type PathPattern, pathPattern } from './path-pattern.ts';
import type { Redirect, RuleTarget, TargetedRule } from './rule.ts';

/** A rule that was checked, ready to be asked. */
export interface CompiledRule {
  /** @returns undefined for a path that the rule is not for */
  readonly match: (path: string) => Captures | undefined;
  /** Those of answers, Cache-Control among them. */
  readonly fields: FieldChanges;
  readonly cors: Cors | undefined;
  readonly redirect: Redirect | undefined;
  readonly rewrite: string | undefined;
  readonly strip: string;
  readonly target: RuleTarget | undefined;
}

/** Checks a rule. @throws ERR_IOLITE_ARGUMENT */
export function compileRule(rule: TargetedRule): CompiledRule {
  const { match, headers = {}, cors, redirect, rewrite, strip = '', target } = rule;
  if (rewrite !== undefined && !rewrite.startsWith('/')) {
    throw new ArgumentError(`Cannot use rewrite: a path is wanted, ${describe(rewrite)} was given`);
  }
  if (strip !== '' && (!strip.startsWith('/') || strip.endsWith('/'))) {
    throw new ArgumentError(`Cannot use strip: a path as '/docs' is wanted, ${describe(strip)} was given`);
  }
  const cacheControl = cacheControlOf(rule);
  return {
    match: anyOf((typeof match === 'string' ? [match] : match).map(pathPattern)),
    fields: [
      ...fieldList(headers),
      ...(cacheControl === undefined ? [] : fieldList({ 'Cache-Control': cacheControl })),
    ],
    cors: cors === undefined || cors === false ? undefined : new Cors(cors === true ? {} : cors),
    redirect: redirectOf(redirect),
    rewrite,
    strip,
    target,
  };
}

function redirectOf(redirect: Redirect | string | undefined): Redirect | undefined {
  if (redirect === undefined) return undefined;
  const { to, status } = typeof redirect === 'string' ? { to: redirect, status: undefined } : redirect;
  return { to: encodedUri(to), status };
}

function cacheControlOf({ cacheControl, maxAge, immutable = false }: TargetedRule): string | undefined {
  if (cacheControl !== undefined) return cacheControl;
  if (maxAge === undefined && !immutable) return undefined;
  return publicFor(maxAge ?? MAX_AGE_MS, immutable);
}

function anyOf(patterns: readonly PathPattern[]): PathPattern {
  const [only] = patterns;
  if (only !== undefined && patterns.length === 1) return only;
  return path => {
    for (const pattern of patterns) {
      const captures = pattern(path);
      if (captures !== undefined) return captures;
    }
    return undefined;
  };
}
