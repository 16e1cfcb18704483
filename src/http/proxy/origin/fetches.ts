import type { ServerRequest } from '../../message/exchange.ts';
import type { SelectedResponse } from '../cache/stored-responses.ts';
import type { Peer } from '../cluster/proxy-peers.ts';
import type { Resource } from '../resource.ts';
import { Fetch, type FetchContext, type FetchOutcome, type FirstAsked } from './fetch.ts';

/**
 * How long, and of how many resources at most, it is remembered that what comes is for each who asks alone.
 */
const UNSHARED_MS = 10_000;
const MAX_UNSHARED_KEYS = 10_000;

/**
 * What is being asked of the origin, so that who wants the same waits for it instead of asking again (RFC
 * 9111, 4).
 */
export class Fetches {
  readonly #context: FetchContext;
  /** Those that others may join. */
  readonly #running = new Map<string, Fetch>();
  /** All whose responses may be stored yet. */
  readonly #underway = new Set<Fetch>();
  /** To when nobody waits for what another has asked for, as it would be in vain. */
  readonly #unshared = new Map<string, number>();

  constructor(context: FetchContext) {
    this.#context = context;
  }

  /**
   * Joins the fetch under way that may do for a request, or starts one.
   * @param found what is stored, and to be validated
   * @param first whom to ask first: of what comes from another machine none other is told
   * @param alone whether to start one that nobody joins, and that asks the origin
   */
  fetch(
    resource: Resource,
    request: ServerRequest,
    found: SelectedResponse | undefined,
    first: FirstAsked = 'owner',
    alone = false,
  ): Fetch {
    const key = this.#context.responses.commonKey(resource, request);
    if (alone || this.#isUnshared(key)) return this.#begin(resource, request, found);
    const running = this.#running.get(key);
    if (running !== undefined && (first === 'owner' || !running.isPulling)) return running;
    return this.#start(key, resource, request, found, first);
  }

  /** Gets what one machine has. Nobody joins that, as it may have nothing. */
  pull(resource: Resource, request: ServerRequest, peer: Peer): Fetch {
    return this.#begin(resource, request, undefined, peer);
  }

  /** What a request may join, if anything. */
  running(resource: Resource, request: ServerRequest): Fetch | undefined {
    return this.#running.get(this.#context.responses.commonKey(resource, request));
  }

  /** A resource was changed: what is under way may show what was before. */
  invalidate(resource: Resource): void {
    this.invalidateAll(({ key }) => key === resource.key);
  }

  /** What some resources were is not right any more: what is under way of them is not stored. */
  invalidateAll(concerned: (resource: Resource) => boolean): void {
    for (const fetch of this.#underway) if (concerned(fetch.resource)) fetch.invalidate();
    for (const [key, fetch] of this.#running) if (concerned(fetch.resource)) this.#running.delete(key);
  }

  #begin(
    resource: Resource,
    request: ServerRequest,
    found: SelectedResponse | undefined,
    first: FirstAsked = 'origin',
  ): Fetch {
    const fetch = new Fetch(this.#context, resource, request, found, first);
    this.#underway.add(fetch);
    void fetch.ended.then(() => this.#underway.delete(fetch));
    return fetch;
  }

  #start(
    key: string,
    resource: Resource,
    request: ServerRequest,
    found: SelectedResponse | undefined,
    first: FirstAsked,
  ): Fetch {
    const fetch = this.#begin(resource, request, found, first);
    this.#running.set(key, fetch);
    let place = key;
    // Its head may tell that what requests have in common is less than the resource.
    void fetch.outcome.then(outcome => {
      if (isForOne(outcome)) this.#noteUnshared(key);
      const next = this.#context.responses.commonKey(resource, request);
      if (next === place || this.#running.get(place) !== fetch) return;
      this.#running.delete(place);
      this.#running.set(next, fetch);
      place = next;
    });
    void fetch.ended.then(() => {
      if (this.#running.get(place) === fetch) this.#running.delete(place);
    });
    return fetch;
  }

  #isUnshared(key: string): boolean {
    return (this.#unshared.get(key) ?? 0) > Date.now();
  }

  #noteUnshared(key: string): void {
    this.#unshared.delete(key);
    this.#unshared.set(key, Date.now() + UNSHARED_MS);
    const [oldest] = this.#unshared.keys();
    if (this.#unshared.size > MAX_UNSHARED_KEYS) this.#unshared.delete(oldest as string);
  }
}

/** Whether others who waited for it have waited in vain. */
function isForOne(outcome: FetchOutcome): boolean {
  return outcome.kind === 'confirmed' || (outcome.kind === 'response' && !outcome.shared);
}
