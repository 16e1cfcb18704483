import { posix } from 'node:path';

/**
 * The path below a route that ends in a wildcard, decoded once, as a file is to be looked for.
 * @param target of the request, as it was sent
 * @param route as '/files/:owner/*'
 * @returns undefined where it names nothing: not encoded well, or with slashes that are encoded; 'forbidden'
 *   where it could mean another path to somebody else: with empty segments or those of dots, or backslashes
 */
export function pathBelow(target: string, route: string): string | 'forbidden' | undefined {
  const query = target.indexOf('?');
  const raw = query === -1 ? target : target.slice(0, query);
  let whole: string;
  try {
    // A slash that is encoded stays so: it is in no name.
    whole = raw
      .split('/')
      .map(segment => decodeURIComponent(segment).replaceAll('/', '%2F'))
      .join('/');
  } catch {
    return undefined;
  }
  if (!isCanonical(whole)) return 'forbidden';
  if (/%2f/i.test(raw)) return undefined;
  const before = route.split('/');
  const literal = (before.pop() as string).slice(0, -1);
  const rest = whole.split('/').slice(before.length).join('/');
  // A parameter without a slash behind it takes the rest of its segment.
  const length = literal.includes(':') ? rest.search(/\/|$/) : literal.length;
  if (!literal.includes(':') && !rest.startsWith(literal)) return undefined;
  const path = rest.slice(length);
  return path.startsWith('/') ? path : `/${path}`;
}

/** Whether a path names what it says: no segments of dots, none that are empty, no backslashes or NUL. */
export function isCanonical(path: string): boolean {
  return path === '' || (!/[\\\0]/.test(path) && posix.normalize(path) === path);
}

/** The target of a request for a directory with the slash at its end, on this host. */
export function withSlash(target: string): string {
  const query = target.indexOf('?');
  const path = (query === -1 ? target : target.slice(0, query)).replace(/^[/\\]+/, '/');
  return `${path.endsWith('/') ? path : `${path}/`}${query === -1 ? '' : target.slice(query)}`;
}
