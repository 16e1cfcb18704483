import { resolve } from 'node:path';
import type { AppView, ViewedRule, ViewedSite } from '../../http/server/app-view.ts';
import type { ContentConfig, RuleConfig } from './settings/content-schema.ts';

/**
 * What an application sees of the server's cache: the files of its rule if that has some, else those of its
 * host.
 * @param content of the host
 * @param rule that has the application; undefined: the host has it
 * @returns undefined where there are no files
 */
export function appViewFor(content: ContentConfig, app: object, rule?: RuleConfig): AppView | undefined {
  const files = (rule && filesOf(rule, content)) ?? siteOf(content);
  if (files === undefined) return undefined;
  const isOfRule = rule !== undefined && filesOf(rule, content) !== undefined;
  return {
    ...files,
    rules: (content.rules ?? []).map(each => viewedRule(each, content, app)),
    strip: isOfRule ? (rule.strip ?? '') : '',
  };
}

function viewedRule(rule: RuleConfig, content: ContentConfig, app: object): ViewedRule {
  const { match, strip, rewrite, origin } = rule;
  const redirect = rule.redirect as ViewedRule['redirect'];
  const isOthers = origin !== undefined || (rule.app !== undefined && !isSame(rule.app, app));
  const behind = isOthers ? 'others' : rule.app && 'application';
  return { match, strip, rewrite, redirect, by: filesOf(rule, content) ?? behind };
}

/** The files of a rule's own. */
function filesOf(rule: RuleConfig, content: ContentConfig): ViewedSite | undefined {
  const isSite = rule.site !== undefined || rule.fallback !== undefined;
  const root = rule.root ?? (isSite ? content.root : undefined);
  return siteOf({ root, site: { ...content.site, ...rule.site } });
}

function siteOf({ root, site = {} }: Pick<ContentConfig, 'root' | 'site'>): ViewedSite | undefined {
  if (root === undefined || root === '') return undefined;
  const { dotfiles, wellKnown, symlinks } = site;
  return { root: resolve(root), site: { dotfiles, wellKnown, symlinks } as ViewedSite['site'] };
}

function isSame(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
