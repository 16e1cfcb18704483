import type { SiteSettings } from './site-options.ts';

type Naming = Pick<SiteSettings, 'cleanUrls' | 'trailingSlash' | 'index' | 'extensions'>;

/**
 * Whether a path may mean what it names without a look at others: where pages have names of one form only, a
 * file of another name is there to be redirected from.
 */
export function isPlainName(path: string, naming: Naming): boolean {
  if (naming.cleanUrls && cleanPath(path, naming) !== path) return false;
  return naming.trailingSlash !== false || path === '/' || !path.endsWith('/');
}

/**
 * A path without what a file's name adds to it: `/about` for `/about.html`, `/` for `/index.html`; with the
 * slash that is wanted at its end.
 * @param path encoded or not
 */
export function cleanPath(path: string, { index, extensions, trailingSlash }: Naming): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const folder = path.slice(0, path.length - name.length);
  if (index.includes(name)) return trailingSlash === false ? withoutSlash(folder) : folder;
  const extension = extensions.find(each => name.endsWith(`.${each}`) && name.length > each.length + 1);
  if (extension === undefined) return path;
  const bare = path.slice(0, -extension.length - 1);
  return trailingSlash === true ? `${bare}/` : bare;
}

/** A path without the slash at its end, which the root's has always. */
export function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** A name that a request's path may stand for, and whether it is to be asked for by another path. */
export interface Choice {
  readonly path: string;
  /** With or without the slash at the end of what was asked for; undefined: it is right as it is. */
  readonly redirect?: 'with slash' | 'without slash' | undefined;
}

/** What a path with a slash at its end may mean, in order. */
export function choicesInFolder(path: string, naming: Naming): readonly Choice[] {
  const { index, extensions, cleanUrls, trailingSlash } = naming;
  const without = withoutSlash(path);
  const isRoot = without === path;
  const inside: Choice[] = index.map(name => ({
    path: path + name,
    redirect: trailingSlash === false && !isRoot ? 'without slash' : undefined,
  }));
  if (isRoot || !(cleanUrls || trailingSlash !== undefined)) return inside;
  const beside: Choice[] = extensions.map(extension => ({
    path: `${without}.${extension}`,
    redirect: trailingSlash === true ? undefined : 'without slash',
  }));
  return [...inside, ...beside];
}

/** What a path that is a directory's may mean without its slash, in order. */
export function choicesOfFolder(path: string, naming: Naming): readonly Choice[] {
  const { index, trailingSlash } = naming;
  const inside: Choice[] = index.map(name => ({
    path: `${path}/${name}`,
    redirect: trailingSlash === false ? undefined : 'with slash',
  }));
  const beside = choicesBeside(path, naming);
  return trailingSlash === false ? [...beside, ...inside] : [...inside, ...beside];
}

/** What a path may mean that nothing has, in order. */
export function choicesBeside(path: string, { extensions, trailingSlash }: Naming): readonly Choice[] {
  return extensions.map(extension => ({
    path: `${path}.${extension}`,
    redirect: trailingSlash === true ? 'with slash' : undefined,
  }));
}
