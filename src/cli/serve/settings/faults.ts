import * as v from 'valibot';

type Issue = v.BaseIssue<unknown>;
type Schema = v.GenericSchema & {
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly wrapped?: Schema;
  readonly item?: Schema;
  readonly value?: Schema;
  readonly options?: readonly Schema[];
};

/** How many letters may be wrong in a name that is taken for another. */
const MAX_WRONG_LETTERS = 3;

/** Settings that go by another name than the flag, or lie in another place than others have them. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  spa: 'site.fallback',
  listing: 'site.listing',
  cleanUrls: 'site.cleanUrls',
  trailingSlash: 'site.trailingSlash',
  rewrites: 'rules',
  redirects: 'rules',
  logFormat: 'log.format',
  status: 'redirect.status',
};

/** What is wrong with settings by a schema, one line each: `rules[2].headers: ...`. None: they are right. */
export function faultsIn(schema: v.GenericSchema, input: unknown): string[] {
  const { success, issues } = v.safeParse(schema, input);
  if (success) return [];
  const lines = issues.flatMap(issue => deepest(issue)).map(issue => lineOf(schema as Schema, issue));
  return [...new Set(lines)];
}

/** Of a choice of schemas the complaint of the one that was meant: which got on best. */
function deepest(issue: Issue): readonly Issue[] {
  if (issue.type !== 'union' || issue.issues === undefined) return [issue];
  const outer = (issue.path ?? []) as readonly v.IssuePathItem[];
  const deeper = issue.issues
    .filter(({ path, kind }) => path !== undefined || kind === 'validation')
    .map(each => ({ ...each, path: [...outer, ...(each.path ?? [])] }) as Issue);
  return deeper.length === 0 ? [issue] : deeper.flatMap(each => deepest(each));
}

function lineOf(schema: Schema, issue: Issue): string {
  const place = placeOf(issue);
  const { type, kind, message, expected } = issue;
  const isUnknown = type === 'strict_object' && kind === 'schema' && expected === 'never';
  if (isUnknown) {
    const keys = (issue.path ?? []).map(({ key }) => key);
    const meant =
      suggestion(String(keys.at(-1)), namesAt(schema, keys.slice(0, -1))) ?? ELSEWHERE[String(keys.at(-1))];
    const also = meant === undefined ? '' : `; did you mean ${meant}?`;
    return `${place}there is no such setting${also}`;
  }
  const plain = /^Invalid \w+: Expected (.*) but received (.*)$/s.exec(message);
  return place + (plain === null ? message : `${kindOf(plain[1])} is wanted, ${kindOf(plain[2])} was given`);
}

/** Names of types as a sentence has them. */
function kindOf(type = ''): string {
  const kinds: Record<string, string> = {
    Object: 'an object',
    Array: 'a list',
    array: 'a list',
    'an array': 'a list',
    boolean: 'true or false',
    string: 'a text',
    number: 'a number',
    undefined: 'nothing',
  };
  return kinds[type] ?? type;
}

/** `rules[2].headers: `, or nothing for the whole. */
function placeOf({ path }: Issue): string {
  let place = '';
  for (const { type, key } of (path ?? []) as readonly v.IssuePathItem[]) {
    if (type === 'array') place += `[${key}]`;
    else place += place === '' ? String(key) : `.${String(key)}`;
  }
  return place === '' ? '' : `${place}: `;
}

/** Which settings there are at a place. */
function namesAt(schema: Schema, keys: readonly unknown[]): readonly string[] {
  const [key, ...rest] = keys;
  if (schema.wrapped !== undefined) return namesAt(schema.wrapped, keys);
  if (schema.options !== undefined && typeof schema.options[0] === 'object') {
    return schema.options.flatMap(each => namesAt(each, keys));
  }
  if (key === undefined) return Object.keys(schema.entries ?? {});
  const inside = schema.entries?.[String(key)] ?? schema.item ?? schema.value;
  return inside === undefined ? [] : namesAt(inside, rest);
}

/** The name that is most like another; undefined when none is. */
function suggestion(name: string, names: readonly string[]): string | undefined {
  const most = Math.min(MAX_WRONG_LETTERS, Math.floor(name.length / 2));
  const [best] = names
    .map(each => ({ each, distance: distanceOf(name.toLowerCase(), each.toLowerCase()) }))
    .filter(({ distance }) => distance <= most)
    .sort((a, b) => a.distance - b.distance);
  return best?.each;
}

/** Letters to be changed, added or left out. O(a·b). */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
