import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ServeConfig } from './settings/settings-schema.ts';

/**
 * What to do about a directory that has no page to begin with, where nothing else answers for `/`: else a
 * newcomer sees a 404 and nothing more. Undefined where there is one.
 */
export function frontPageAdvice(config: ServeConfig): string | undefined {
  const { root, app, origin, site = {}, rules = [] } = config;
  if (root === undefined || app !== undefined || origin !== undefined || rules.length > 0) return undefined;
  if (site.listing === true || site.fallback !== undefined) return undefined;
  const { index = 'index.html' } = site;
  const names = index === false ? [] : [index].flat();
  if (names.some(name => existsSync(join(root, name)))) return undefined;
  const [name = 'index file'] = names;
  return `${root} has no ${name}: / is a 404, each file is at its path; --listing lists them`;
}
