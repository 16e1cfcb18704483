import { ArgumentError } from '../../base/error.ts';
import type { Answer, KeptHead } from '../message/exchange.ts';
import { CONTENT_FIELDS, fieldOf, type HeaderList, isField } from '../message/header-list.ts';

/** Fields by name; null takes those of the name away. */
export type FieldRecord = Readonly<Record<string, string | null>>;
/** The same as a list: a name, and its value or null. */
export type FieldChanges = readonly (string | null)[];

/** What a server says itself of the bytes that it sends: nobody else can know. In lower case. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  'accept-ranges',
  'age',
  'cache-status',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'date',
  'etag',
  'keep-alive',
  'last-modified',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** What holds for an answer that succeeds, and for no other: an error is not to be kept as long as a page. */
const SUCCESS_FIELDS: ReadonlySet<string> = new Set(['cache-control', 'content-type', 'expires']);

/** What is wrong with a field that answers are to have, for people; undefined when nothing is. */
export function troubleOfField(name: string, value: string | null): string | undefined {
  if (!isField(name, '')) return `${JSON.stringify(name)} is no name of a field`;
  // Without it, caches would give to one what was chosen for another.
  if (value === null && name.toLowerCase() === 'vary') return `${name} can be added to only`;
  if (value !== null && !isField(name, value)) return `${JSON.stringify(value)} is no value of a field`;
  if (OWN_FIELDS.has(name.toLowerCase())) return `${name} is said by the server itself`;
  return undefined;
}

/** Fields as a list. @throws ERR_IOLITE_ARGUMENT */
export function fieldList(fields: FieldRecord): FieldChanges {
  return Object.entries(fields).flatMap(([name, value]) => {
    const trouble = troubleOfField(name, value);
    if (trouble !== undefined) throw new ArgumentError(`Cannot use headers: ${trouble}`);
    return [name, value];
  });
}

/** What became of a list of fields. */
interface Dressed {
  readonly headers: HeaderList;
  readonly kept: KeptHead;
}

/**
 * Fields that answers get, in place of those of the same name, and such as they lose; Vary besides. Lists of
 * fields that come again, as those of files do, give the same list again, whose bytes senders keep.
 */
export class FieldSet {
  readonly #always: HeaderList;
  readonly #onSuccess: HeaderList;
  readonly #names: ReadonlySet<string>;
  readonly #successNames: ReadonlySet<string>;
  /** Of answers with 200. */
  readonly #dressed = new WeakMap<HeaderList, Dressed>();
  /** Of those a part of whose fields differs each time: that part not included. */
  readonly #dressedHeads = new WeakMap<KeptHead, Dressed>();

  /** @param fields of several of one name the last counts */
  constructor(fields: FieldChanges) {
    const last = lastOfEach(fields);
    const always: string[] = [];
    const onSuccess: string[] = [];
    const names = new Set<string>();
    for (const [key, { name, value }] of last) {
      const isForAll = value === null || !SUCCESS_FIELDS.has(key);
      if (isForAll) names.add(key);
      if (value !== null) (isForAll ? always : onSuccess).push(name, value);
    }
    this.#always = always;
    this.#onSuccess = onSuccess;
    this.#names = names;
    this.#successNames = new Set(last.keys());
  }

  get isEmpty(): boolean {
    return this.#successNames.size === 0;
  }

  /** An answer with the fields. Its body is taken over. */
  dress(answer: Answer): Answer {
    if (this.isEmpty) return answer;
    const { status, headers, kept } = answer;
    if (kept?.fixed !== undefined) return this.#dressFixed(answer, kept, kept.fixed);
    if (status !== 200) return { ...answer, headers: this.#with(status, headers), kept: undefined };
    let dressed = this.#dressed.get(headers);
    if (dressed === undefined) {
      dressed = { headers: this.#with(status, headers), kept: { head: undefined } };
      this.#dressed.set(headers, dressed);
    }
    return { ...answer, headers: dressed.headers, kept: dressed.kept };
  }

  /** The fields that differ stay behind all others. */
  #dressFixed(answer: Answer, kept: KeptHead, fixed: number): Answer {
    const { status, headers } = answer;
    let dressed = this.#dressedHeads.get(kept);
    if (dressed === undefined) {
      const same = this.#with(status, headers.slice(0, fixed));
      dressed = { headers: same, kept: { head: undefined, fixed: same.length } };
      this.#dressedHeads.set(kept, dressed);
    }
    return { ...answer, headers: [...dressed.headers, ...headers.slice(fixed)], kept: dressed.kept };
  }

  #with(status: number, headers: HeaderList): HeaderList {
    const isSuccess = status < 400;
    const names = isSuccess ? this.#successNames : this.#names;
    const fields: string[] = [];
    const isMultipart = fieldOf(headers, 'content-type')?.startsWith('multipart/') === true;
    for (let index = 0; index < headers.length; index += 2) {
      const name = headers[index] as string;
      const key = name.toLowerCase();
      const stays = !names.has(key) || key === 'vary' || (isMultipart && key === 'content-type');
      if (stays) fields.push(name, headers[index + 1] as string);
    }
    this.#add(fields, this.#always);
    if (!isSuccess) return fields;
    const hasContent = status !== 304 && status < 300 && !isMultipart;
    for (let index = 0; index < this.#onSuccess.length; index += 2) {
      const field = this.#onSuccess.slice(index, index + 2);
      if (hasContent || !CONTENT_FIELDS.has((field[0] as string).toLowerCase())) fields.push(...field);
    }
    return fields;
  }

  #add(fields: string[], more: HeaderList): void {
    for (let index = 0; index < more.length; index += 2) {
      const [name = '', value = ''] = more.slice(index, index + 2);
      if (name.toLowerCase() !== 'vary') fields.push(name, value);
      else addVary(fields, value);
    }
  }
}

/** What is said last of each name, by that in lower case; all of Vary. */
function lastOfEach(fields: FieldChanges): Map<string, { name: string; value: string | null }> {
  const last = new Map<string, { name: string; value: string | null }>();
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    const key = name.toLowerCase();
    const value = fields[index + 1] as string | null;
    const before = key === 'vary' ? last.get(key)?.value : undefined;
    last.set(key, { name, value: before ? `${before}, ${value}` : value });
  }
  return last;
}

/** Names more fields of requests that the answer depends on. */
function addVary(fields: string[], value: string): void {
  const at = fields.findIndex((each, index) => index % 2 === 0 && each.toLowerCase() === 'vary');
  if (at === -1) fields.push('Vary', value);
  else {
    const present = fields[at + 1] as string;
    const known = membersOf(present.toLowerCase());
    const more = membersOf(value).filter(each => !known.includes(each.toLowerCase()));
    fields[at + 1] = [present, ...more].join(', ');
  }
}

function membersOf(list: string): string[] {
  return list.split(',').map(each => each.trim());
}
