import { resolve } from 'node:path';
import type { CacheViewOptions, LinkPolicy } from '../../file/cache/cache-view.ts';
import { ScriptNames, type ScriptPattern } from '../fastcgi/script-names.ts';
import type { Handler } from '../message/exchange.ts';
import { compileRule } from '../rules/compiled-rule.ts';
import { decodedPath } from '../rules/path-pattern.ts';
import type { Rule, RuleTarget } from '../rules/rule.ts';
import { RuleBook } from '../rules/rule-book.ts';
import { type SiteOptions, settingsOf } from '../site/site-options.ts';

/** A directory, and what decides which of its files are served. */
export interface ViewedSite {
  readonly root: string;
  readonly site: Pick<SiteOptions, 'dotfiles' | 'wellKnown' | 'symlinks'>;
}

/** A rule for the paths of a site, and who answers by it, if that is not who answers anyway. */
export interface ViewedRule extends Pick<Rule, 'match' | 'redirect' | 'rewrite' | 'strip'> {
  /** Files; the application that the view is for, and no files before it; or others. */
  readonly by?: ViewedSite | 'application' | 'others' | undefined;
}

/** The files that an application has through the server's cache. */
export interface AppView extends ViewedSite {
  /** The rules of the host that the site is one of. */
  readonly rules: readonly ViewedRule[];
  /** What its paths have before them in requests: of a rule's own files what the rule takes off. */
  readonly strip: string;
  /** Scripts, whose text no site sends. Default: none. */
  readonly scripts?: readonly ScriptPattern[] | undefined;
}

/** Nobody is asked: it stands for who would be. */
const NOBODY: Handler = { answer: () => undefined };

/**
 * What an application may read of the files of its site: those that the site would send to clients by their
 * own paths, and those whose paths a rule leaves to this very application. So what a rule redirects, gives
 * another meaning, or leaves to others is not to be had, as is the text of scripts, and as are names that
 * begin with a dot, unless the site has them. @throws ERR_IOLITE_ARGUMENT
 */
export function appViewOptions({ root, site, rules, strip, scripts = [] }: AppView): CacheViewOptions {
  const own = policyOf({ root, site });
  const policies = new Map<RuleTarget, Policy | undefined>();
  const otherwise = targetOf(policies, own);
  const compiled = rules.map(({ match, redirect, rewrite, strip: taken, by }) => {
    const policy =
      by === 'application' ? own : by === 'others' || by === undefined ? undefined : policyOf(by);
    const target = by === undefined ? undefined : targetOf(policies, policy);
    return compileRule({ match, redirect, rewrite, strip: taken, target });
  });
  const book = new RuleBook(compiled, otherwise);
  const names = scripts.map(each => new ScriptNames(each));
  const withholds = (path: string): boolean => names.some(({ isScript }) => isScript(path));
  const linksAt = (path: string): LinkPolicy | undefined => {
    if (withholds(path)) return undefined;
    const rawPath = path.split('/').map(encodeURIComponent).join('/');
    const decision = book.decide(strip + rawPath);
    const { isRefused, redirect, path: seen = strip + rawPath, target } = decision;
    if (isRefused || redirect !== undefined || decodedPath(seen) !== decodedPath(rawPath)) return undefined;
    const policy = policies.get(target);
    return policy === undefined || policy.root !== own.root || policy.hides(path) ? undefined : policy.links;
  };
  return {
    root: own.root,
    name: JSON.stringify({ site: nameOf(own), rules: rules.map(ruleName), strip, scripts }),
    linksAt,
    withholds,
  };
}

interface Policy {
  readonly root: string;
  readonly links: LinkPolicy;
  readonly settings: readonly unknown[];
  hides(path: string): boolean;
}

function policyOf({ root, site }: ViewedSite): Policy {
  const { dotfiles, wellKnown, symlinks } = settingsOf(site);
  const hides = (path: string): boolean => {
    if (dotfiles === 'allow') return false;
    const segments = path.slice(1).split('/');
    const dotted = segments.filter(segment => segment.startsWith('.')).length;
    return dotted > 0 && !(wellKnown && dotted === 1 && segments[0] === '.well-known');
  };
  return { root: resolve(root), links: symlinks, settings: [dotfiles, wellKnown, symlinks], hides };
}

function targetOf(policies: Map<RuleTarget, Policy | undefined>, policy: Policy | undefined): RuleTarget {
  const target = { handler: NOBODY };
  policies.set(target, policy);
  return target;
}

/** All that follows from it. */
function nameOf({ root, settings }: Policy): unknown {
  return [root, ...settings];
}

function ruleName({ match, redirect, rewrite, strip, by }: ViewedRule): unknown {
  return { match, redirect, rewrite, strip, by: typeof by === 'object' ? nameOf(policyOf(by)) : by };
}
