import { abortable } from '../../base/abortable.ts';
import { checkInteger, IoliteError } from '../../base/error.ts';
import type { Channel } from '../../ipc/channel.ts';
import type { RequestHandler } from '../../ipc/responder.ts';
import { ownGovernor } from '../../store/governor/governor.ts';
import type { LogSelector } from '../../store/log/invalidation-log.ts';
import { noteInvalidation } from '../../store/store-events.ts';
import type { Body } from '../message/body.ts';
import type { Directives } from '../message/cache-control.ts';
import type { Answer, Handler, PendingAnswer, Recipient, ServerRequest } from '../message/exchange.ts';
import { fieldOf } from '../message/header-list.ts';
import { tellLater } from '../message/promised-answer.ts';
import { statusAnswer } from '../message/status-answer.ts';
import { failureAnswer } from '../message/status-of-error.ts';
import { type AnswerOrigin, noteAnswer } from './cache/answer-count.ts';
import { type ForwardReason, withStatus } from './cache/cache-status.ts';
import { mayStandIn, useOf } from './cache/freshness.ts';
import { invalidatedGroups } from './cache/groups.ts';
import type { ResponseFacts } from './cache/response-facts.ts';
import { ResponseStore } from './cache/response-store.ts';
import { FAILURES } from './cache/storable.ts';
import { answerFromStore, conditionalAnswer } from './cache/stored-answer.ts';
import { type SelectedResponse, StoredResponses, selectsSame } from './cache/stored-responses.ts';
import { conditionsOf } from './cache/validation.ts';
import { asksForPart, type CacheLookup, lookupOf } from './cache-lookup.ts';
import type { ProxyCluster } from './cluster/proxy-cluster.ts';
import { ProxyFollower, RESPONSES_TOPIC } from './cluster/proxy-follower.ts';
import { type Invalidated, type InvalidateOptions, Invalidation } from './invalidation.ts';
import { BodyRoom } from './origin/body-room.ts';
import { createOrigin } from './origin/create-origin.ts';
import type { Fetch, FetchContext, FetchOutcome } from './origin/fetch.ts';
import { Fetches } from './origin/fetches.ts';
import { isLoop } from './origin/forwarding.ts';
import { forwardingOf } from './origin/forwarding-options.ts';
import { onlyReader, passOn } from './origin/pass-on.ts';
import { Pulls } from './origin/pulls.ts';
import { checkProxyOptions, type ProxyOptions } from './proxy-options.ts';
import { PullAnswers } from './pull-answers.ts';
import { Purge } from './purge.ts';
import { type Resource, relatedResource, resourceOf } from './resource.ts';
import { type Refresh, StoreAnswers } from './store-answers.ts';
import { WarmUp } from './warm-up.ts';

/** A reverse proxy. Close it to end its connections, and to give back what it keeps. */
export interface ReverseProxy extends Handler, AsyncDisposable {
  /**
   * Lets the domain at the other end of a channel send what is kept here from the same memory
   * ({@link attachProxy}), until the channel or the proxy closes. Takes the channel's request handler. A
   * channel that is closed already is no error.
   * @param otherwise answers requests that are not the proxy's
   * @throws ERR_IOLITE_CLOSED when the proxy is closed; ERR_IOLITE_ARGUMENT
   */
  serve(channel: Channel, otherwise?: RequestHandler): void;
  /**
   * Changes the budget: what is beyond a lower one leaves.
   * @param budget in bytes, as of {@link ProxyOptions}
   * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE; ERR_IOLITE_CLOSED
   */
  resize(budget: number): void;
  /**
   * Has responses forgotten, or asked for again, by what they are of. What is asked of the origin meanwhile
   * is not stored. When it resolves no attached domain sends any of them: about a millisecond, and some for
   * each hundred thousand targets if prefixes or paths are named.
   * @throws ERR_IOLITE_ARGUMENT; ERR_IOLITE_CLOSED; ERR_IOLITE_BUSY where an attached domain does not say for
   *   ten seconds that it has given them up
   */
  invalidate(options: InvalidateOptions): Promise<Invalidated>;
  /**
   * When what it gets from other machines at its start has come, or {@link ProxyOptions.warmTimeout} is over:
   * requests should be sent here from then on. It resolves at once where it gets nothing from others.
   */
  readonly warmed: Promise<void>;
  /** Takes no more requests, lets those under way end, and gives back what is stored. */
  close(): Promise<void>;
}

/** How often a request waits for what another has asked for, before it asks itself. */
const MAX_WAITS = 3;
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * A handler that gets what it is asked for from another server, and keeps what may be kept: a shared cache
 * (RFC 9111). Options that are out of bounds throw ERR_IOLITE_ARGUMENT or ERR_IOLITE_RANGE.
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { once } from 'node:events';
 * import { createServer } from 'node:http';
 * import { createProxy, handle, serverRequest } from 'iolite';
 *
 * const origin = createServer((_, response) => {
 *   response.setHeader('Cache-Control', 'max-age=60').end('hello');
 * });
 * await once(origin.listen(0, '127.0.0.1'), 'listening');
 * const { port } = origin.address() as { port: number };
 *
 * const proxy = createProxy({ origin: `http://127.0.0.1:${port}` });
 * const front = createServer((request, response) => handle(proxy, serverRequest(request), response));
 * await once(front.listen(0, '127.0.0.1'), 'listening');
 * const url = `http://127.0.0.1:${(front.address() as { port: number }).port}/`;
 *
 * await (await fetch(url)).text();
 * const second = await fetch(url);
 * assert.equal(await second.text(), 'hello');
 * assert.match(String(second.headers.get('cache-status')), /^iolite; hit/);
 *
 * front.close();
 * await proxy.close();
 * origin.close();
 * front.closeAllConnections();
 * ```
 */
export function createProxy(options: ProxyOptions): ReverseProxy {
  return new CachingProxy(options);
}

class CachingProxy implements ReverseProxy {
  readonly letsRepeat = true;
  readonly takesUpgrades = true;
  readonly #context: FetchContext;
  readonly #fetches: Fetches;
  readonly #store: ResponseStore;
  readonly #stored: StoreAnswers;
  readonly #purge: Purge | undefined;
  readonly #cluster: ProxyCluster | undefined;
  readonly #follower: ProxyFollower | undefined;
  #endServing: () => void = () => {};
  readonly #warmUp: WarmUp | undefined;
  #closed = false;

  constructor(options: ProxyOptions) {
    const checked = checkProxyOptions(options);
    const { budget, policy, pool, govern, storeCookies, groupFields, purge } = checked;
    const { cluster, onPartition, peers } = checked;
    this.#cluster = cluster;
    this.#purge = purge && new Purge(purge, named => this.invalidate(named));
    const origin = createOrigin(options.origin, options);
    const forwarding = forwardingOf(options, origin.url);
    const governor = govern ? ownGovernor() : undefined;
    this.#store = new ResponseStore({ budget, policy, pool, governor }, forwarding.trusted.stated);
    const responses = new StoredResponses(this.#store);
    if (cluster !== undefined)
      this.#follower = new ProxyFollower(
        this.#store,
        onPartition,
        named => this.#invalidateHere(named),
        () => this.#fetches.invalidateAll(() => true),
      );
    const refresh: Refresh = (lookup, found) => void this.#refresh(lookup, found);
    const { trusted } = forwarding;
    this.#stored = new StoreAnswers(this.#store, responses, trusted, refresh, this.#follower);
    const site = `${origin.url} ${forwarding.host}`;
    this.#context = {
      origin,
      pulls: peers && new Pulls({ peers, origin, forwarding, site, limits: options }),
      responses,
      room: new BodyRoom(() => this.#store.allowance),
      forwarding,
      storeCookies,
      groupFields,
    };
    this.#fetches = new Fetches(this.#context);
    if (cluster !== undefined) this.#follower?.start(cluster);
    if (peers !== undefined && this.#follower !== undefined) {
      const source = { responses, fetches: this.#fetches, forwarding, follower: this.#follower };
      const answers = new PullAnswers(source);
      this.#endServing = peers.serve(site, {
        atHand: request => answers.atHand(request),
        answer: (request, signal) => answers.answer(request, signal),
        hottest: () => this.#store.hottest(),
      });
      this.#warmUp = new WarmUp({ ...source, peers, site, store: this.#store }, checked.warmUp);
    }
  }

  get warmed(): Promise<void> {
    return this.#warmUp?.ready ?? Promise.resolve();
  }

  serve(channel: Channel, otherwise?: RequestHandler): void {
    this.#store.serve(channel, otherwise);
  }

  resize(budget: number): void {
    checkInteger(budget, 'budget', 0, Number.MAX_SAFE_INTEGER);
    this.#store.resize(budget);
  }

  async invalidate(options: InvalidateOptions): Promise<Invalidated> {
    const done = await this.#invalidateHere(options);
    if (this.#cluster === undefined) return done;
    const { log } = this.#cluster;
    const position = await log.tell(RESPONSES_TOPIC, options as LogSelector);
    await log.appliedHere(position);
    return { ...done, sequence: position.sequence };
  }

  async #invalidateHere(options: InvalidateOptions): Promise<Invalidated> {
    const invalidation = new Invalidation(options);
    if (this.#closed) throw new IoliteError('ERR_IOLITE_CLOSED', 'Cannot invalidate: the proxy is closed');
    this.#fetches.invalidateAll(resource => invalidation.concerns(resource));
    const responses = await invalidation.apply(this.#store);
    noteInvalidation('call', responses);
    await this.#store.applied();
    return { responses };
  }

  answer(request: ServerRequest, recipient: Recipient): PendingAnswer | undefined {
    const lookup = this.#closed ? undefined : this.#lookup(request);
    const stored = lookup === undefined ? undefined : this.#stored.atHand(lookup);
    if (stored === undefined) return tellLater(recipient, signal => this.#answer(request, signal));
    recipient.answered(stored.answer, stored.repeatable);
    return undefined;
  }

  async #answer(request: ServerRequest, signal: AbortSignal): Promise<Answer> {
    const resource = resourceOf(request, this.#trusts(request));
    if (this.#closed) return refuse(503);
    if (resource === undefined) return refuse(400);
    if (request.method === 'PURGE' && this.#purge !== undefined) return this.#purge.answer(request, resource);
    // Neither is passed on: one asks for a tunnel, the other would show fields to scripts that may not see
    // them.
    if (request.method === 'CONNECT' || request.method === 'TRACE') return refuse(501);
    if (isLoop(request, this.#context.forwarding)) return refuse(508);
    const lookup = this.#lookup(request);
    if (lookup !== undefined) return this.#answerThroughCache(lookup, signal);
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    return this.#passOn(request, resource, isRead ? 'bypass' : 'method', signal);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#warmUp?.close();
    this.#endServing();
    this.#follower?.close();
    // Before the wait for the origin, in which nothing is to be kept or served any more.
    this.#store.close();
    await Promise.all([this.#context.origin.close(), this.#context.pulls?.close()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #lookup(request: ServerRequest): CacheLookup | undefined {
    return lookupOf(request, this.#trusts(request));
  }

  #trusts(request: ServerRequest): boolean {
    return this.#context.forwarding.trusted.trustsSender(request);
  }

  async #answerThroughCache(lookup: CacheLookup, signal: AbortSignal): Promise<Answer> {
    const { request, resource, wanted } = lookup;
    for (let waits = 0; ; waits++) {
      const stored = this.#stored.atHand(lookup);
      if (stored !== undefined) return stored.answer;
      if (wanted.has('only-if-cached') || this.#follower?.fails) return refuse(504);
      const found = this.#context.responses.find(resource, request);
      if (typeof found === 'string' && asksForPart(request)) {
        const reason = request.method === 'GET' ? 'partial' : found;
        return this.#passOn(request, resource, reason, signal);
      }
      const fetch = this.#fetch(lookup, found, waits >= MAX_WAITS || !this.#isTrusted);
      const outcome = await fetch.wait(request, signal);
      const answer = this.#answerOf(lookup, found, fetch, outcome);
      if (answer !== undefined) return answer;
      // What comes has to be validated for each who asks: which can be done, for all, when it is there.
      await abortable(fetch.ended, signal);
    }
  }

  /** Whether what is stored, and what is being asked for, may be used: else each asks for himself. */
  get #isTrusted(): boolean {
    return this.#follower?.isTrusted ?? true;
  }

  #fetch({ request, resource }: CacheLookup, found: SelectedResponse | string, alone: boolean): Fetch {
    const validating = typeof found === 'object' && conditionsOf(found.facts).length > 0 ? found : undefined;
    return this.#fetches.fetch(resource, request, validating, 'owner', alone);
  }

  /** Asks the origin about what is stored, for those who come later. */
  async #refresh(lookup: CacheLookup, found: SelectedResponse): Promise<void> {
    const fetch = this.#fetch(lookup, found, false);
    const outcome = await fetch.wait(lookup.request);
    if (fetch.leader !== lookup.request) return;
    if (outcome.kind === 'response' && !outcome.shared) outcome.body.close();
    if (outcome.kind === 'confirmed') outcome.content.release();
  }

  /** @returns undefined when what came of the fetch is not for this request */
  #answerOf(
    lookup: CacheLookup,
    found: SelectedResponse | 'uri-miss' | 'vary-miss',
    fetch: Fetch,
    outcome: FetchOutcome,
  ): Answer | undefined {
    const { request, resource, wanted } = lookup;
    const collapsed = fetch.leader !== request;
    if (outcome.kind === 'renewed') {
      const now = this.#context.responses.find(resource, request);
      if (typeof now === 'string') return undefined;
      const handled = { forwarded: 'stale', forwardedStatus: 304, collapsed } as const;
      return counted('revalidated', this.#stored.of(lookup, now, handled));
    }
    if (outcome.kind === 'confirmed') {
      if (collapsed) return undefined;
      const handled = { forwarded: 'stale', forwardedStatus: 304 } as const;
      return counted('revalidated', answerFromStore(request, outcome.facts, outcome.content, handled));
    }
    const failed = outcome.kind === 'failed' || FAILURES.has(outcome.facts.status);
    if (failed && typeof found === 'object' && this.#mayStandIn(found.facts, wanted)) {
      if (outcome.kind === 'response' && !collapsed && !outcome.shared) outcome.body.close();
      const forwardedStatus = outcome.kind === 'response' ? outcome.facts.status : undefined;
      const handled = { hit: true, forwarded: 'stale', forwardedStatus } as const;
      return counted('stale', this.#stored.of(lookup, found, handled));
    }
    if (outcome.kind === 'failed') {
      const answer = failureAnswer(outcome.error, 'origin');
      // What is wrong with the leader's request is not wrong with this one.
      return answer.status === 400 && collapsed ? undefined : counted('failed', answer);
    }
    const { facts, body, shared, refusal } = outcome;
    if (collapsed) {
      if (!shared || !selectsSame(facts, fetch.leader, request)) return undefined;
      if (useOf(facts, wanted, Date.now()) !== 'fresh') return undefined;
    }
    const forwarded = typeof found === 'string' ? found : 'stale';
    noteAnswer(forwarded === 'stale' ? 'expired' : 'miss');
    const stored = shared && refusal === undefined;
    const headers = withStatus(facts.headers, { forwarded, stored, refusal, collapsed });
    const conditional = conditionalAnswer(request, facts, headers);
    if (conditional !== undefined && !shared) body.close();
    if (conditional !== undefined) return conditional;
    const reader = shared ? sharedReader(outcome, request) : onlyReader(body, request.method, facts.status);
    return { status: facts.status, headers, body: reader };
  }

  /** What is not trusted counts as stale from now on. */
  #mayStandIn(facts: ResponseFacts, wanted: Directives): boolean {
    const now = Date.now();
    return mayStandIn(this.#isTrusted ? facts : { ...facts, staleAt: now }, wanted, now);
  }

  async #passOn(
    request: ServerRequest,
    resource: Resource,
    forwarded: ForwardReason,
    signal: AbortSignal,
  ): Promise<Answer> {
    const answer = await passOn(this.#context, resource, request, signal);
    if (!SAFE.has(request.method) && answer.status < 400) this.#invalidate(resource, answer);
    noteAnswer(forwarded.endsWith('-miss') ? 'miss' : 'bypass');
    return { ...answer, headers: withStatus(answer.headers, { forwarded }) };
  }

  /**
   * A request that changes a resource succeeded: what is stored of it, and of those that the answer names
   * (RFC 9111, 4.4).
   */
  #invalidate(resource: Resource, { headers }: Answer): void {
    const related = ['location', 'content-location'].map(name =>
      relatedResource(resource, fieldOf(headers, name)),
    );
    for (const each of [resource, ...related]) {
      if (each === undefined) continue;
      noteInvalidation('method', this.#store.count(each.key));
      this.#context.responses.invalidate(each);
      this.#fetches.invalidate(each);
    }
    this.#invalidateGroups(resource, invalidatedGroups(headers));
  }

  /** Of the same origin (RFC 9875, 3). */
  #invalidateGroups({ scheme, authority }: Resource, groups: readonly string[]): void {
    if (groups.length === 0) return;
    const { index } = this.#store;
    const origin = `${scheme}://${authority}/`;
    this.#fetches.invalidateAll(each => each.scheme === scheme && each.authority === authority);
    for (const key of groups.flatMap(group => index.ofGroup(group)))
      if (this.#store.targetOf(key)?.startsWith(origin))
        noteInvalidation('group', this.#store.makeStale(key));
  }
}

/** An answer without a response. */
function refuse(status: number): Answer {
  return counted('failed', statusAnswer(status));
}

function counted<A extends Answer | undefined>(origin: AnswerOrigin, answer: A): A {
  if (answer !== undefined) noteAnswer(origin);
  return answer;
}

function sharedReader(
  { facts, body }: FetchOutcome & { kind: 'response' },
  { method }: ServerRequest,
): Body | undefined {
  return method === 'HEAD' || facts.status === 204 ? undefined : body.content();
}
