import { createHash, randomBytes } from 'node:crypto';
import { Aggregate } from '../../../aggregate/aggregate.ts';
import type { ServerRequest } from '../../message/exchange.ts';
import { tokensOf } from '../../message/header-list.ts';
import { forEachField, plainName } from '../forwarded-fields.ts';
import type { Resource } from '../resource.ts';
import { type ResponseFacts, type StoredFacts, storedField } from './response-facts.ts';
import type { Refusal, ResponseStore } from './response-store.ts';

/** Fields that many clients send alike, and nobody proves by who he is. */
const FOR_MANY = /^(accept(-.*)?|origin|save-data|sec-(ch|fetch)-.*|user-agent)$/;

/** A response that a request selects. */
export interface SelectedResponse {
  readonly key: string;
  readonly facts: ResponseFacts;
}

/** The responses of a store, by what they are of and by what they vary by (RFC 9111, 2 and 4.1). */
export class StoredResponses {
  readonly #store: ResponseStore;

  constructor(store: ResponseStore) {
    this.#store = store;
  }

  /** Most bytes of a content that is kept. */
  get largest(): number {
    return this.#store.largest;
  }

  /** The response that a request selects; 'vary-miss' when there are others for other fields only. */
  find(resource: Resource, request: ServerRequest): SelectedResponse | 'uri-miss' | 'vary-miss' {
    return select(resource, request, key => this.#store.look(key));
  }

  /**
   * The content of what was found, by a reference that is the caller's; undefined when it has left the store,
   * or another response has taken its place.
   */
  contentOf({ key, facts }: SelectedResponse): Aggregate | undefined {
    return this.#store.contentOf(key, facts);
  }

  /** What requests that the same response might do for have in common, as far as is known before it comes. */
  commonKey(resource: Resource, request: ServerRequest): string {
    const { key } = resource;
    const facts = this.#store.look(key);
    return facts?.kind === 'variants' ? keyOfVariant(key, facts.epoch, facts.fields, request) : key;
  }

  /**
   * Says what responses of a resource vary by, as soon as the head of one tells: from then on requests select
   * by it.
   */
  declare(resource: Resource, facts: ResponseFacts): void {
    const fields = variedBy(facts);
    if (fields.length === 0) return;
    const { key } = resource;
    const before = this.#store.look(key);
    if (before?.kind === 'variants' && before.fields.join() === fields.join()) return;
    const epoch = randomBytes(8).toString('hex');
    using nothing = Aggregate.empty();
    const { start } = resource;
    const long = start === undefined ? {} : { start };
    this.#store.put(key, { kind: 'variants', fields, epoch, ...long }, nothing)?.release();
  }

  /** Why the response to a request would not be kept, whose facts are declared. See {@link ResponseStore}. */
  refusalOf(
    resource: Resource,
    request: ServerRequest,
    facts: ResponseFacts,
    length: number,
  ): Refusal | undefined {
    const key = this.#keyFor(resource, request, facts);
    return key === undefined ? 'budget' : this.#store.refusalOf(key, facts, length);
  }

  /**
   * Keeps the response to a request. It takes the place of those to requests that are the same in the fields
   * it varies by.
   * @returns the content that is kept, by a reference that is the caller's; undefined when there was no room
   */
  put(
    resource: Resource,
    request: ServerRequest,
    facts: ResponseFacts,
    content: Aggregate,
  ): Aggregate | undefined {
    this.declare(resource, facts);
    const key = this.#keyFor(resource, request, facts);
    if (key === undefined) return undefined;
    if (key !== resource.key) {
      const selecting = selectingFields(variedBy(facts), request);
      const selected = selecting === undefined ? facts : { ...facts, selecting };
      return this.#store.put(key, selected, content, resource.key);
    }
    const { start } = resource;
    return this.#store.put(key, start === undefined ? facts : { ...facts, start }, content);
  }

  /** @returns undefined when it varies, and there was no room to say so */
  #keyFor({ key }: Resource, request: ServerRequest, facts: ResponseFacts): string | undefined {
    const fields = variedBy(facts);
    if (fields.length === 0) return key;
    const declared = this.#store.look(key);
    if (declared?.kind !== 'variants' || !sameList(declared.fields, fields)) return undefined;
    return keyOfVariant(key, declared.epoch, fields, request);
  }

  renew({ key, facts }: SelectedResponse, to: ResponseFacts): void {
    this.#store.renew(key, facts, to);
  }

  /** Forgets a response, if it is still there. */
  forget({ key, facts }: SelectedResponse): void {
    if (this.#store.look(key) === facts) this.#store.remove(key);
  }

  /** Forgets all responses of a resource. */
  invalidate({ key }: Resource): void {
    this.#store.remove(key);
  }
}

/**
 * The response that a request selects.
 * @param look what is known of a key; called last with that of what is found
 */
export function select(
  resource: Resource,
  request: ServerRequest,
  look: (key: string) => StoredFacts | undefined,
): SelectedResponse | 'uri-miss' | 'vary-miss' {
  const { key } = resource;
  const facts = look(key);
  if (facts === undefined) return 'uri-miss';
  if (facts.kind === 'response') return { key, facts };
  const variantKey = keyOfVariant(key, facts.epoch, facts.fields, request);
  const variant = look(variantKey);
  return variant?.kind === 'response' ? { key: variantKey, facts: variant } : 'vary-miss';
}

/** Whether two requests are the same in the fields that a response varies by. */
export function selectsSame(facts: ResponseFacts, one: ServerRequest, other: ServerRequest): boolean {
  return sameList(selectingValues(variedBy(facts), one), selectingValues(variedBy(facts), other));
}

/** Whether two responses vary by the same fields, so that one may be where the other is. */
export function variesAlike(one: ResponseFacts, other: ResponseFacts): boolean {
  return sameList(variedBy(one), variedBy(other));
}

function variedBy(facts: ResponseFacts): string[] {
  return [...new Set(tokensOf(storedField(facts, 'vary')))].sort();
}

function sameList<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((each, index) => each === other[index]);
}

/** What the response to a request is under, where responses vary. */
export function keyOfVariant(
  key: string,
  epoch: string,
  fields: readonly string[],
  request: ServerRequest,
): string {
  const values = selectingValues(fields, request);
  const selecting = fields.map((name, index) => [name, values[index]]);
  const digest = createHash('sha256').update(JSON.stringify(selecting)).digest('base64url');
  return `${key} ${epoch} ${digest}`;
}

/**
 * What the origin saw of the fields that a response varies by: null for what was not there, or was for one
 * hop because Connection names it, and so went no further. All lines of a field count, and those whose names
 * have `_` for `-`: the origin gets them all, and which it believes nobody knows.
 */
function selectingValues(fields: readonly string[], request: ServerRequest): (string | null)[] {
  const hop = new Set(tokensOf(request.header('connection')).map(plainName));
  const lines = new Map<string, string>();
  forEachField(request.rawHeaders, (name, value) => {
    const plain = plainName(name);
    const before = lines.get(plain);
    lines.set(plain, before === undefined ? value : `${before},${value}`);
  });
  return fields.map(name => {
    const plain = plainName(name);
    return hop.has(plain) ? null : normalized(lines.get(plain));
  });
}

/**
 * The fields of a request by which it selects a response, for who is to ask as it did.
 * @returns undefined where one of them may be for one client alone
 */
function selectingFields(names: readonly string[], request: ServerRequest): string[] | undefined {
  if (!names.every(name => FOR_MANY.test(name))) return undefined;
  const values = selectingValues(names, request);
  return names.flatMap((name, index) => {
    const value = values[index];
    return value == null ? [] : [name, value];
  });
}

/** Spaces around members of a list are not part of them (RFC 9111, 4.1). */
function normalized(value: string | undefined): string | null {
  if (value === undefined) return null;
  // Not by a pattern, for which many spaces amid a member would cost the square of them.
  return value
    .split(',')
    .map(each => each.trim())
    .join(',');
}
