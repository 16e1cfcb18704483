import { createHash, randomBytes } from 'node:crypto';
import { Aggregate } from '../../../aggregate/aggregate.ts';
import type { ServerRequest } from '../../message/exchange.ts';
import { tokensOf } from '../../message/header-list.ts';
import type { Resource } from '../resource.ts';
import { type ResponseFacts, type StoredFacts, storedField } from './response-facts.ts';
import type { Refusal, ResponseStore } from './response-store.ts';

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

  /** The content of what was found just now, by a reference that is the caller's. */
  contentOf({ key }: SelectedResponse): Aggregate | undefined {
    return this.#store.contentOf(key);
  }

  /** What requests that the same response might do for have in common, as far as is known before it comes. */
  commonKey(resource: Resource, request: ServerRequest): string {
    const key = keyOf(resource);
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
    const key = keyOf(resource);
    const before = this.#store.look(key);
    if (before?.kind === 'variants' && before.fields.join() === fields.join()) return;
    const epoch = randomBytes(8).toString('hex');
    using nothing = Aggregate.empty();
    this.#store.put(key, { kind: 'variants', fields, epoch }, nothing);
  }

  /** Why the response to a request would not be kept, whose facts are declared. See {@link ResponseStore}. */
  refusalOf(
    resource: Resource,
    request: ServerRequest,
    facts: ResponseFacts,
    length: number,
  ): Refusal | undefined {
    return this.#store.refusalOf(this.#keyFor(resource, request, facts), length);
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
    this.#store.put(key, facts, content);
    return this.#store.contentOf(key);
  }

  #keyFor(resource: Resource, request: ServerRequest, facts: ResponseFacts): string {
    return variedBy(facts).length === 0 ? keyOf(resource) : this.commonKey(resource, request);
  }

  renew({ key, facts }: SelectedResponse, to: ResponseFacts): void {
    this.#store.renew(key, facts, to);
  }

  /** Forgets all responses of a resource. */
  invalidate(resource: Resource): void {
    this.#store.remove(keyOf(resource));
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
  const key = keyOf(resource);
  const facts = look(key);
  if (facts === undefined) return 'uri-miss';
  if (facts.kind === 'response') return { key, facts };
  const variantKey = keyOfVariant(key, facts.epoch, facts.fields, request);
  const variant = look(variantKey);
  return variant?.kind === 'response' ? { key: variantKey, facts: variant } : 'vary-miss';
}

/** Whether two requests are the same in the fields that a response varies by. */
export function selectsSame(facts: ResponseFacts, one: ServerRequest, other: ServerRequest): boolean {
  return variedBy(facts).every(name => normalized(one.header(name)) === normalized(other.header(name)));
}

function variedBy(facts: ResponseFacts): string[] {
  return [...new Set(tokensOf(storedField(facts, 'vary')))].sort();
}

/** What all responses of a resource are under, or what is known of their variants. */
export function keyOf({ authority, path }: Resource): string {
  return `${authority} ${path}`;
}

/** What the response to a request is under, where responses vary. */
export function keyOfVariant(
  key: string,
  epoch: string,
  fields: readonly string[],
  request: ServerRequest,
): string {
  const selecting = fields.map(name => [name, normalized(request.header(name))]);
  const digest = createHash('sha256').update(JSON.stringify(selecting)).digest('base64url');
  return `${key} ${epoch} ${digest}`;
}

/** Spaces around members of a list are not part of them (RFC 9111, 4.1). */
function normalized(value: string | undefined): string | null {
  return value === undefined ? null : value.trim().replace(/\s*,\s*/g, ',');
}
