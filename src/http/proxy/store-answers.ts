import { ALWAYS_REPEATABLE, type Repeatable, repeatableWhile } from '../../base/repeatable.ts';
import type { Answer } from '../message/exchange.ts';
import { noteAnswer } from './cache/answer-count.ts';
import type { Handling } from './cache/cache-status.ts';
import { useOf } from './cache/freshness.ts';
import { RepeatedResponse } from './cache/repeated-response.ts';
import type { ResponseStore } from './cache/response-store.ts';
import { answerFromStore } from './cache/stored-answer.ts';
import type { SelectedResponse, StoredResponses } from './cache/stored-responses.ts';
import { type CacheLookup, isRepeatable } from './cache-lookup.ts';
import type { ProxyFollower } from './cluster/proxy-follower.ts';
import type { Resource } from './resource.ts';
import type { TrustedProxies } from './trusted-proxies.ts';

/** An answer that is at hand, and until when the same may be said again, if that is known. */
export interface AnswerAtHand {
  readonly answer: Answer;
  readonly repeatable: Repeatable | undefined;
}

/** Has the origin asked about what is stored, for those who come later. */
export type Refresh = (lookup: CacheLookup, found: SelectedResponse) => void;

/** Answers from what a proxy has stored. */
export class StoreAnswers {
  readonly #store: ResponseStore;
  readonly #responses: StoredResponses;
  readonly #trusted: TrustedProxies;
  readonly #refresh: Refresh;

  readonly #cluster: ProxyFollower | undefined;

  /** @param responses those of the store @param cluster which says whether it may be used, if there is one */
  constructor(
    store: ResponseStore,
    responses: StoredResponses,
    trusted: TrustedProxies,
    refresh: Refresh,
    cluster?: ProxyFollower,
  ) {
    this.#cluster = cluster;
    this.#store = store;
    this.#responses = responses;
    this.#trusted = trusted;
    this.#refresh = refresh;
  }

  /** What is stored, if it may be sent without asking; where it is stale, the origin is asked beside that. */
  atHand(lookup: CacheLookup): AnswerAtHand | undefined {
    if (this.#cluster?.isTrusted === false) return undefined;
    const { request, resource, wanted } = lookup;
    const found = this.#responses.find(resource, request);
    if (typeof found === 'string') return undefined;
    const now = Date.now();
    const use = useOf(found.facts, wanted, now);
    if (use === 'validated') return undefined;
    const answer = this.of(lookup, found, { hit: true }, now);
    if (use === 'while-revalidating') this.#refresh(lookup, found);
    if (answer === undefined) return undefined;
    noteAnswer(use === 'fresh' ? 'hit' : 'stale');
    const mayRepeat = use === 'fresh' && isRepeatable(lookup, answer, this.#trusted);
    return { answer, repeatable: mayRepeat ? this.#repeated(resource, found, now) : undefined };
  }

  /** An answer of what was found. @returns undefined when it has left the store */
  of(
    { request }: CacheLookup,
    found: SelectedResponse,
    handled: Handling,
    now = Date.now(),
  ): Answer | undefined {
    const content = this.#responses.contentOf(found);
    if (content === undefined) return undefined;
    return answerFromStore(request, found.facts, content, handled, now);
  }

  #repeated({ key }: Resource, { key: own, facts }: SelectedResponse, now: number): Repeatable | undefined {
    const response = this.#store.repeatable(own);
    const variants = own === key ? ALWAYS_REPEATABLE : this.#store.repeatable(key);
    if (response === undefined || variants === undefined) return undefined;
    const stored = repeatableWhile(this.#cluster ?? ALWAYS_REPEATABLE, repeatableWhile(variants, response));
    return new RepeatedResponse(stored, facts, now);
  }
}
