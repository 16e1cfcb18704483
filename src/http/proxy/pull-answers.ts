import { abortable } from '../../base/abortable.ts';
import type { Answer, ServerRequest } from '../message/exchange.ts';
import { type HeaderList, without } from '../message/header-list.ts';
import { ageOf, useOf } from './cache/freshness.ts';
import type { ResponseFacts } from './cache/response-facts.ts';
import { answerFromStore, conditionalAnswer } from './cache/stored-answer.ts';
import { type SelectedResponse, type StoredResponses, selectsSame } from './cache/stored-responses.ts';
import { conditionsOf } from './cache/validation.ts';
import { type CacheLookup, lookupOf } from './cache-lookup.ts';
import type { ProxyFollower } from './cluster/proxy-follower.ts';
import { groupsField } from './cluster/pulled-groups.ts';
import type { Fetch, FetchOutcome } from './origin/fetch.ts';
import type { Fetches } from './origin/fetches.ts';
import { type Forwarding, isLoop } from './origin/forwarding.ts';

/**
 * How long a pull waits for what this machine pulls itself, as machines may disagree on who owns it: longer,
 * and they might wait for each other.
 */
const PULLING_MS = 250;
/** How often a pull waits for what another request has asked for. */
const MAX_WAITS = 3;
const AGE = new Set(['age']);

/** Where a proxy keeps and gets what it answers other machines with. */
export interface PullSource {
  readonly responses: StoredResponses;
  readonly fetches: Fetches;
  readonly forwarding: Forwarding;
  readonly follower: ProxyFollower;
}

/**
 * Answers other machines with what is stored here, or the origin has for all: nothing that is for one client,
 * and nothing that another machine would have to be asked for.
 */
export class PullAnswers {
  readonly #source: PullSource;

  constructor(source: PullSource) {
    this.#source = source;
  }

  /** @returns undefined where what is asked for is not stored, and fresh */
  atHand(request: ServerRequest): Answer | undefined {
    const lookup = this.#lookup(request);
    if (lookup === undefined || !this.#source.follower.isTrusted) return undefined;
    const found = this.#source.responses.find(lookup.resource, request);
    return typeof found === 'object' ? this.#stored(lookup, found) : undefined;
  }

  /** @returns undefined where the other one is to ask the origin itself @throws the signal's reason */
  async answer(request: ServerRequest, signal: AbortSignal): Promise<Answer | undefined> {
    const { responses, follower } = this.#source;
    const lookup = this.#lookup(request);
    if (lookup === undefined) return undefined;
    for (let waits = 0; waits < MAX_WAITS && follower.isTrusted; waits++) {
      const found = responses.find(lookup.resource, request);
      if (typeof found === 'object') {
        const stored = this.#stored(lookup, found);
        if (stored !== undefined) return stored;
      }
      if (lookup.wanted.has('only-if-cached')) return undefined;
      const fetch = await this.#fetch(lookup, found, signal);
      const outcome = await fetch.wait(request, signal);
      if (outcome.kind === 'response') return this.#received(lookup, fetch, outcome);
      if (outcome.kind === 'confirmed' && fetch.leader === request) outcome.content.release();
      if (outcome.kind !== 'renewed') return undefined;
    }
    return undefined;
  }

  #lookup(request: ServerRequest): CacheLookup | undefined {
    const { forwarding } = this.#source;
    if (isLoop(request, forwarding)) return undefined;
    return lookupOf(request, forwarding.trusted.trustsSender(request));
  }

  #stored({ request, wanted }: CacheLookup, found: SelectedResponse): Answer | undefined {
    const { facts } = found;
    const now = Date.now();
    if (useOf(facts, wanted, now) !== 'fresh') return undefined;
    const content = this.#source.responses.contentOf(found);
    if (content === undefined) return undefined;
    const { status, headers, body } = answerFromStore(request, facts, content, { hit: true }, now);
    return { status, headers: [...headers, ...groupsField(facts.groups)], body };
  }

  /** What is under way to the origin, or another one that asks it. */
  async #fetch(
    { request, resource }: CacheLookup,
    found: SelectedResponse | string,
    signal: AbortSignal,
  ): Promise<Fetch> {
    const { fetches } = this.#source;
    const validating = typeof found === 'object' && conditionsOf(found.facts).length > 0 ? found : undefined;
    const running = fetches.running(resource, request);
    if (running !== undefined) await abortable(running.endOfPull(PULLING_MS), signal);
    return fetches.fetch(resource, request, validating, 'origin');
  }

  #received(
    { request, wanted }: CacheLookup,
    fetch: Fetch,
    { facts, body, shared }: FetchOutcome & { kind: 'response' },
  ): Answer | undefined {
    if (!shared) {
      if (fetch.leader === request) body.close();
      return undefined;
    }
    // What was asked for before an invalidation may be what that was about.
    if (fetch.isInvalidated) return undefined;
    const isLeader = fetch.leader === request;
    if (!isLeader && !selectsSame(facts, fetch.leader, request)) return undefined;
    if (!isLeader && useOf(facts, wanted, Date.now()) !== 'fresh') return undefined;
    const headers = toldOf(facts);
    const conditional = conditionalAnswer(request, facts, headers);
    if (conditional !== undefined) return conditional;
    return { status: facts.status, headers, body: facts.status === 204 ? undefined : body.content() };
  }
}

/** Fields as of now: no two machines need have the same time, so an age is told. */
function toldOf(facts: ResponseFacts): HeaderList {
  const age = String(Math.floor(ageOf(facts, Date.now())));
  return [...without(facts.headers, AGE), 'Age', age, ...groupsField(facts.groups)];
}
