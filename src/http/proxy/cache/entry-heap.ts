import type { ResponseFacts, StoredFacts } from './response-facts.ts';

/**
 * What an entry takes of the heap whatever it is of, measured: its objects in the store, the policy and the
 * segment, and their places in tables.
 */
const ENTRY_BYTES = 850;
/** What a string takes besides its characters, and its place in a list. */
const STRING_BYTES = 28;
const PLACE_BYTES = 8;
/** What its place in a group takes, and a group with one member. */
const GROUP_BYTES = 350;

/** Strings that responses have in common, which are kept once. */
const MAX_COMMON_STRINGS = 2000;
const COMMON_CHARACTERS = 100;
/** Fields whose values no two responses have in common. */
const UNIQUE = new Set(['etag', 'content-length', 'last-modified']);
const common = new Map<string, string>();

/**
 * About how many bytes of heap an entry takes: its key, what is known of the response, and what goes with
 * each entry. Rather too many: names of fields are kept once for all, and so are many values.
 */
export function heapOf(key: string, facts: StoredFacts): number {
  const strings = facts.kind === 'response' ? facts.headers : facts.fields;
  let bytes = ENTRY_BYTES + STRING_BYTES + key.length + (facts.start?.length ?? 0);
  if (facts.kind === 'response') for (const { length } of facts.groups ?? []) bytes += GROUP_BYTES + length;
  if (facts.kind === 'response')
    for (const { length } of facts.selecting ?? []) bytes += PLACE_BYTES + length;
  for (let index = 0; index < strings.length; index++) {
    const { length } = strings[index] as string;
    const isCommon = facts.kind === 'response' && index % 2 === 0 && length <= COMMON_CHARACTERS;
    bytes += isCommon ? PLACE_BYTES : STRING_BYTES + length;
  }
  return bytes;
}

/** The same facts in less memory, where they stay for longer. */
export function compact(facts: StoredFacts): StoredFacts {
  if (facts.kind !== 'response') return facts;
  const { selecting } = facts;
  const headers = compactFields(facts);
  return {
    ...facts,
    headers,
    ...(selecting === undefined ? {} : { selecting: selecting.map(commonString) }),
  };
}

function compactFields({ headers }: ResponseFacts): string[] {
  // A list of just this length.
  return headers.map((each, index) => {
    const isUnique = index % 2 === 1 && UNIQUE.has((headers[index - 1] as string).toLowerCase());
    return isUnique ? each : commonString(each);
  });
}

function commonString(each: string): string {
  if (each.length > COMMON_CHARACTERS) return each;
  const known = common.get(each);
  if (known !== undefined) return known;
  if (common.size === MAX_COMMON_STRINGS) common.clear();
  common.set(each, each);
  return each;
}
