import { createHash } from 'node:crypto';
import { Aggregate } from '../../aggregate/aggregate.ts';
import { ArgumentError, checkInteger, checkOptionNames, describe, optionNames } from '../../base/error.ts';
import { ignore } from '../../base/ignore.ts';
import { SharedCache } from '../../cache/shared-cache.ts';
import type { CachedValue } from '../../cache/value.ts';
import { releaseBody } from '../message/body.ts';
import type { Answer, ServerRequest } from '../message/exchange.ts';
import { fieldOf, type HeaderList, tokensOf, without } from '../message/header-list.ts';
import { type NodeRequest, serverRequest } from '../node/node-adapter.ts';
import type { NodeResponse } from '../node/response-way.ts';
import { sendAnswer } from '../node/send-answer.ts';
import { cacheDirectivesOf } from '../proxy/cache/cache-directives.ts';
import { ageOf, freshnessOf, useOf } from '../proxy/cache/freshness.ts';
import { groupsOf } from '../proxy/cache/groups.ts';
import type { ResponseFacts } from '../proxy/cache/response-facts.ts';
import { mayStore, type StorableRequest } from '../proxy/cache/storable.ts';
import { answerFromStore } from '../proxy/cache/stored-answer.ts';
import { keyOfVariant } from '../proxy/cache/stored-responses.ts';
import { asksForPart, type CacheLookup, lookupOf } from '../proxy/cache-lookup.ts';
import { type Resource, resourceOf } from '../proxy/resource.ts';
import { type CapturedResponse, captureResponse, NotCaptured } from './captured-response.ts';
import { packedResponse, unpackedResponse } from './packed-response.ts';

/** What is kept of responses, and as what. */
export interface ResponseCacheOptions {
  /**
   * What a response is kept under. undefined: it is not kept. Default: scheme, host and target.
   * What it varies by (Vary) is told apart in any case.
   */
  readonly key?: (request: NodeRequest) => string | undefined;
  /**
   * What it is invalidated by: `cache.invalidate({ tags })`. Default: the groups that it names in
   * Cache-Groups.
   */
  readonly tags?: (request: NodeRequest, response: NodeResponse) => readonly string[];
  /** Most bytes of a content that is kept. Default 8 MiB. */
  readonly maxBytes?: number;
  /** Milliseconds for which others wait for who makes a response. Default 30,000. */
  readonly timeout?: number;
}

/** A middleware of Connect, Express and the like. */
export type ResponseCacheMiddleware = (
  request: NodeRequest,
  response: NodeResponse,
  next: (error?: unknown) => void,
) => void;

/** One request, and what became of it. */
interface Ask {
  readonly incoming: NodeRequest;
  readonly response: NodeResponse;
  readonly lookup: CacheLookup;
  /** What it is kept under, but for what it varies by. */
  readonly key: string;
  /** Aborted when its client is gone. */
  readonly signal: AbortSignal;
  readonly next: () => void;
  /** Told before it is answered from the cache. */
  readonly answered: () => void;
  /** Whether the application answers it. */
  isPassedOn: boolean;
}

/** A response that may be kept. */
interface Made {
  readonly facts: ResponseFacts;
  readonly value: Buffer;
  /** By which fields of the request it varies: in lower case, sorted. */
  readonly varied: readonly string[];
}

const NAMES = optionNames<ResponseCacheOptions>({ key: true, tags: true, maxBytes: true, timeout: true });
const DEFAULT_MAX_BYTES = 8 * 1024 ** 2;
const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_TAGS = 63;
/** What a client asks for that has a response already, and gets 304 from the application. */
const CONDITIONS = ['if-none-match', 'if-modified-since', 'if-range'];
/** Of one connection. */
const OF_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'trailer']);
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
/** Keys whose responses could not be kept: nobody waits for the next one. */
const MAX_UNKEPT_KEYS = 10_000;

/** Keeps responses of an application in a shared cache, by the rules of the proxy (RFC 9111). */
export class ResponseCache {
  readonly #cache: SharedCache;
  readonly #options: ResponseCacheOptions;
  readonly #unkept = new Set<string>();

  /** @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
  constructor(cache: SharedCache, options: ResponseCacheOptions = {}) {
    if (!(cache instanceof SharedCache))
      throw new ArgumentError(
        `Cannot cache responses: a shared cache is wanted, ${describe(cache)} was given`,
      );
    checkOptionNames(options, NAMES, 'cache responses');
    checkInteger(options.maxBytes ?? 0, 'maxBytes', 0, 2 ** 30);
    checkInteger(options.timeout ?? 1, 'timeout', 1, 2 ** 31 - 1);
    for (const name of ['key', 'tags'] as const)
      if (options[name] !== undefined && typeof options[name] !== 'function')
        throw new ArgumentError(`Cannot cache responses: a function is wanted as ${name}`);
    this.#cache = cache;
    this.#options = options;
  }

  /**
   * Answers from the cache, or has the application answer and keeps what it says. A cache that fails is as an
   * empty one.
   * @param answered called when it is known that the application is not asked
   */
  handle(
    incoming: NodeRequest,
    response: NodeResponse,
    next: () => void,
    answered: () => void = ignore,
  ): void {
    const { url = '/', originalUrl = url } = incoming as { url?: string; originalUrl?: string };
    const request = serverRequest(incoming, { response, target: originalUrl });
    const lookup = lookupOf(request, false);
    const key = lookup && this.#keyFor(lookup.resource, incoming);
    if (lookup === undefined || key === undefined) {
      if (!SAFE.has(request.method)) this.#forgetAfter(request, incoming, response);
      next();
      return;
    }
    const gone = new AbortController();
    response.once('close', () => response.writableEnded || gone.abort());
    const ask = {
      incoming,
      response,
      lookup,
      key,
      signal: gone.signal,
      next,
      answered,
      isPassedOn: false,
    };
    this.#answer(ask).catch(() => this.#passOn(ask));
  }

  async #answer(ask: Ask): Promise<void> {
    if (await this.#answersFromCache(ask)) return;
    const { request, wanted } = ask.lookup;
    const isOfOne = asksForPart(request) || CONDITIONS.some(name => request.header(name) !== undefined);
    if (isOfOne) return this.#passOn(ask);
    const fields = await this.#variedBy(ask);
    const isAlone = wanted.size > 0 || this.#unkept.has(ask.key);
    if (isAlone) return this.#keepAlone(ask, fields);
    const { timeout = DEFAULT_TIMEOUT_MS } = this.#options;
    const { signal } = ask;
    const made = await this.#cache
      .getOrSet(
        keyOf(ask, fields),
        async (_, { keep }) => {
          const { facts, value, varied } = await this.#made(ask);
          if (varied.join() !== fields.join()) {
            await this.#keep(ask, { facts, value, varied, fields });
            throw new NotCaptured('Cannot wait for response: it varies by something else');
          }
          keep(this.#keptAs(ask, facts));
          return value;
        },
        { timeout, signal },
      )
      .catch(() => undefined);
    if (Aggregate.isAggregate(made)) made.release();
    // Who has waited finds what was made, where it is for him.
    if (ask.isPassedOn || (await this.#answersFromCache(ask))) return;
    await this.#keepAlone(ask, fields);
  }

  /** Has the application answer, and keeps that for others. */
  async #keepAlone(ask: Ask, fields: readonly string[]): Promise<void> {
    const { facts, value, varied } = await this.#made(ask);
    await this.#keep(ask, { facts, value, varied, fields });
  }

  #passOn(ask: Ask): void {
    if (ask.isPassedOn) return;
    ask.isPassedOn = true;
    ask.next();
  }

  /** Has the application answer. @throws NotCaptured where that is not to be kept */
  async #made(ask: Ask): Promise<Made> {
    const { lookup, response, key } = ask;
    const asked: StorableRequest = {
      method: lookup.request.method,
      directives: lookup.wanted,
      authorized: lookup.request.header('authorization') !== undefined,
      hasCookie: lookup.request.header('cookie') !== undefined,
    };
    const requestedAt = Date.now();
    const { maxBytes = DEFAULT_MAX_BYTES } = this.#options;
    const accepts = (status: number, headers: HeaderList): boolean =>
      statesLifetime(headers) && mayStore(asked, status, headers);
    const capturing = captureResponse(response, maxBytes, accepts);
    capturing.catch(ignore);
    this.#passOn(ask);
    try {
      const captured = await capturing;
      const facts = factsOf(captured, requestedAt);
      if (lifetimeOf(facts) <= 0) throw new NotCaptured('Cannot keep response: it is stale');
      this.#unkept.delete(key);
      const varied = [...new Set(tokensOf(fieldOf(captured.headers, 'vary')))].sort();
      return { facts, value: packedResponse(facts, captured.parts), varied };
    } catch (error) {
      if (this.#unkept.size >= MAX_UNKEPT_KEYS) this.#unkept.clear();
      if (!ask.signal.aborted) this.#unkept.add(key);
      throw error;
    }
  }

  /** @param fields by which responses are known to vary */
  async #keep(
    ask: Ask,
    { facts, value, varied, fields }: Made & { fields: readonly string[] },
  ): Promise<void> {
    if (varied.join() !== fields.join())
      await this.#cache.set(ask.key, { vary: varied }, { tags: [ask.key] });
    await this.#cache.set(keyOf(ask, varied), value, this.#keptAs(ask, facts));
  }

  #keptAs({ incoming, response, key }: Ask, facts: ResponseFacts): { ttl: number; tags: readonly string[] } {
    const named = this.#options.tags?.(incoming, response) ?? groupsOf(facts.headers, []) ?? [];
    return { ttl: Math.ceil(lifetimeOf(facts) * 1000), tags: [key, ...named.slice(0, MAX_TAGS)] };
  }

  /** Answers with what is kept, if that is fresh. */
  async #answersFromCache(ask: Ask): Promise<boolean> {
    const key = keyOf(ask, await this.#variedBy(ask));
    const answer = this.#answerOf(ask, this.#cache.peek(key) ?? (await this.#cache.get(key)));
    if (answer === undefined) return false;
    const { response, lookup } = ask;
    if (ask.signal.aborted || response.headersSent) {
      releaseBody(answer.body);
      return true;
    }
    ask.isPassedOn = true;
    ask.answered();
    await sendAnswer(response, answer, lookup.request.method).catch(() => response.destroy());
    return true;
  }

  #answerOf({ lookup }: Ask, value: CachedValue | undefined): Answer | undefined {
    const found = Aggregate.isAggregate(value) ? unpackedResponse(value) : undefined;
    if (found === undefined) return undefined;
    const { facts, content } = found;
    const time = Date.now();
    if (useOf(facts, lookup.wanted, time) === 'fresh')
      return answerFromStore(lookup.request, facts, content, { hit: true }, time);
    content.release();
    return undefined;
  }

  /** What responses under a key vary by, as far as is known. */
  async #variedBy({ key }: Ask): Promise<readonly string[]> {
    const known = (this.#cache.peek(key) ?? (await this.#cache.get(key))) as { vary?: unknown } | undefined;
    return Array.isArray(known?.vary) ? (known.vary as string[]) : [];
  }

  /** What is changed is no longer what was kept (RFC 9111, 4.4). */
  #forgetAfter(request: ServerRequest, incoming: NodeRequest, response: NodeResponse): void {
    const key = this.#keyFor(resourceOf(request, false), incoming);
    if (key === undefined) return;
    response.once('finish', () => {
      if (response.statusCode < 400) this.#cache.invalidate({ tags: [key] }).catch(ignore);
    });
  }

  #keyFor(resource: Resource | undefined, incoming: NodeRequest): string | undefined {
    const key = this.#options.key === undefined ? resource?.key : this.#options.key(incoming);
    return key === undefined ? undefined : `http:${createHash('sha256').update(key).digest('base64url')}`;
  }
}

/** What a request with these values of the fields gets. */
function keyOf({ key, lookup }: Ask, fields: readonly string[]): string {
  return keyOfVariant(key, '', fields, lookup.request);
}

/** What says nothing of how long it is right is not kept: the application knows, not the cache. */
function statesLifetime(headers: HeaderList): boolean {
  const { directives, expires } = cacheDirectivesOf(headers);
  return directives.has('s-maxage') || directives.has('max-age') || expires !== undefined;
}

/** Seconds. */
function lifetimeOf(facts: ResponseFacts): number {
  return freshnessOf(facts).lifetime - ageOf(facts, Date.now());
}

function factsOf({ status, headers }: CapturedResponse, requestedAt: number): ResponseFacts {
  const kept = without(headers, OF_CONNECTION);
  return { kind: 'response', status, headers: kept, requestedAt, receivedAt: Date.now() };
}
