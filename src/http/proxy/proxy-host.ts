import type { Aggregate } from '../../aggregate/aggregate.ts';
import { createPool, type Pool } from '../../aggregate/pool.ts';
import type { Endpoint } from '../../ipc/meet/endpoint.ts';
import { listen } from '../../ipc/meet/listen.ts';
import { ownName } from '../../ipc/meet/own-folder.ts';
import { HeapChunk } from '../../memory/heap-chunk.ts';
import type { AppRequest } from '../app/app-side/app-request.ts';
import { AppSession } from '../app/app-side/app-session.ts';
import { SiteCache } from '../app/app-side/site-cache.ts';
import { type Body, isStream } from '../message/body.ts';
import type { Answer } from '../message/exchange.ts';
import { answerOf } from '../message/promised-answer.ts';
import { createProxy, type ReverseProxy } from './proxy.ts';
import type { ProxyOptions } from './proxy-options.ts';
import type { TrustForwarded } from './trusted-proxies.ts';
import type { UpgradeProxyOptions } from './upgrade-proxy.ts';

/** Least memory for what is kept. */
const LEAST_KEPT_BYTES = 1024 ** 2;
/** Uploads from one process at a time. */
const MAX_UPLOADS = 2 ** 20;

/** Where a {@link ProxyHost} listens: names of channels. */
export interface ProxyAddresses {
  /** Has requests answered, as application processes do. */
  readonly requests: string;
  /** Serves what is kept. */
  readonly responses: string;
  /** Whom it asks: for people. */
  readonly origin: string;
  /** As of {@link ProxyOptions}. */
  readonly trustForwarded: TrustForwarded;
  /**
   * With what upgrades are passed on, which each process does itself; JSON. Undefined for an object store,
   * which takes none.
   */
  readonly upgrades: UpgradeProxyOptions | undefined;
}

/** A reverse proxy for other domains: one asks the origin, and one keeps what came, for all of them. */
export class ProxyHost {
  readonly addresses: ProxyAddresses;
  readonly #proxy: ReverseProxy;
  readonly #endpoints: readonly Endpoint[];
  /** For what is kept, and for what is not, which came to this process's heap. */
  readonly #pools: readonly Pool[];

  private constructor(
    proxy: ReverseProxy,
    pools: readonly Pool[],
    [requests, responses]: readonly [Endpoint, Endpoint],
    options: ProxyOptions,
  ) {
    this.#proxy = proxy;
    this.#pools = pools;
    this.#endpoints = [requests, responses];
    const { trustForwarded = false } = options;
    this.addresses = {
      ...{ requests: requests.path, responses: responses.path },
      ...{ origin: String(options.origin), trustForwarded, upgrades: upgradeOptions(options) },
    };
  }

  /**
   * @param failed told of bugs: what goes wrong with the origin is answered
   * @throws as createProxy, listen
   */
  static async start(
    options: ProxyOptions & { readonly budget: number },
    failed: (error: unknown, request: AppRequest) => void,
  ): Promise<ProxyHost> {
    // Those who are attached send from it by reference.
    const limit = Math.max(options.budget, LEAST_KEPT_BYTES);
    const kept = createPool({ name: 'cache', limit, refill: false });
    const proxy = createProxy({ ...options, pool: kept });
    const pool = createPool({ name: 'proxied' });
    const [requests, responses] = await Promise.all([
      // How many uploads there are at a time, the proxy bounds.
      listen(ownName('requests'), { channel: { maxStreams: MAX_UPLOADS } }),
      listen(ownName('responses')),
    ]);
    const handler = async (request: AppRequest): Promise<Answer> => {
      const answer = (await answerOf(proxy, request, request.signal)) as Answer;
      return { ...answer, body: sharedBody(answer.body, pool) };
    };
    requests.on(
      'channel',
      channel =>
        new AppSession(channel, {
          cache: new SiteCache(channel, undefined),
          handler,
          pool,
          failed,
        }),
    );
    responses.on('channel', channel => proxy.serve(channel));
    return new ProxyHost(proxy, [kept, pool], [requests, responses], options);
  }

  /** As of {@link ReverseProxy.warmed}. */
  get warmed(): Promise<void> {
    return this.#proxy.warmed;
  }

  /** Ends it. What is under way fails. */
  async close(): Promise<void> {
    await Promise.all([this.#proxy.close(), ...this.#endpoints.map(endpoint => endpoint.close())]);
    for (const pool of this.#pools) pool.close();
  }
}

/** What may be told to another process of the options. */
function upgradeOptions(options: ProxyOptions): UpgradeProxyOptions | undefined {
  if (/^s3:/i.test(String(options.origin))) return undefined;
  const { origin, trustForwarded, host, connectTimeout, headersTimeout, maxStreams } = options;
  return { origin: String(origin), trustForwarded, host, connectTimeout, headersTimeout, maxStreams };
}

/**
 * A body that can go to other domains. Copies what lies on the heap; what is kept is in shared memory
 * already.
 */
function sharedBody(body: Body | undefined, pool: Pool): Body | undefined {
  if (!isStream(body)) return body === undefined ? body : shared(body, pool);
  const pieces = body[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        const { done, value } = await pieces.next();
        return done === true ? { done, value: undefined } : { done: false, value: shared(value, pool) };
      },
      return: async () => {
        await pieces.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}

function shared(bytes: Aggregate, pool: Pool): Aggregate {
  const isOnHeap = bytes.slices().some(({ lease }) => lease.chunk instanceof HeapChunk);
  return isOnHeap ? bytes.compact(pool) : bytes;
}
