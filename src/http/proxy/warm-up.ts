import { setTimeout as delay } from 'node:timers/promises';
import { ignore } from '../../base/ignore.ts';
import type { ServerRequest } from '../message/exchange.ts';
import { fieldOf, type HeaderList } from '../message/header-list.ts';
import type { HotResponse } from './cache/hot-response.ts';
import type { ResponseStore } from './cache/response-store.ts';
import type { StoredResponses } from './cache/stored-responses.ts';
import type { WarmUpLimits } from './cluster/proxy-cluster.ts';
import type { HotList, Peer, ProxyPeers } from './cluster/proxy-peers.ts';
import type { Fetches } from './origin/fetches.ts';
import { keyOfTarget, resourceOf } from './resource.ts';

/** Pulls at a time: what one waits for the next need not. */
const CONCURRENT_PULLS = 4;

/** What a warm-up works with. */
export interface WarmUpSource {
  readonly peers: ProxyPeers;
  /** As of Pull. */
  readonly site: string;
  readonly store: ResponseStore;
  readonly responses: StoredResponses;
  readonly fetches: Fetches;
}

/** What a machine may want of another one. */
export interface Wanted extends HotResponse {
  readonly peer: Peer;
}

/**
 * Gets what other machines have into the memory of one that has just joined them: what it owns, and of the
 * rest what they are asked for most. The origin is asked for none of it.
 */
export class WarmUp {
  /** When all that is wanted has come, or `warmTimeout` is over: never rejects. */
  readonly ready: Promise<void>;
  readonly #source: WarmUpSource;
  readonly #limits: WarmUpLimits;
  readonly #closing = new AbortController();

  constructor(source: WarmUpSource, limits: WarmUpLimits) {
    this.#source = source;
    this.#limits = limits;
    const timeout = delay(limits.warmTimeout, undefined, { ref: false, signal: this.#closing.signal });
    this.ready = Promise.race([this.#run(), timeout]).catch(ignore);
  }

  close(): void {
    this.#closing.abort();
  }

  async #run(): Promise<void> {
    const { peers, site, store } = this.#source;
    const budget = this.#limits.warm * store.allowance;
    if (budget === 0) return;
    const lists = await peers.hotLists(site, this.#closing.signal);
    const wanted = wantedOf(lists, target => peers.ownerOf(target) === undefined);
    const next = this.#paced(wanted, budget);
    await Promise.all(
      Array.from({ length: CONCURRENT_PULLS }, async () => {
        for await (const each of next) await this.#pull(each);
      }),
    );
  }

  /** What is to be pulled, when it is to be, by as much as the budget and the rate allow. */
  async *#paced(wanted: readonly Wanted[], budget: number): AsyncGenerator<Wanted> {
    const { signal } = this.#closing;
    const startedAt = performance.now();
    let bytes = 0;
    for (const each of wanted) {
      if (bytes + each.size > budget) continue;
      const due = startedAt + (bytes / this.#limits.warmRate) * 1000 - performance.now();
      if (due > 0) await delay(due, undefined, { ref: false, signal });
      signal.throwIfAborted();
      bytes += each.size;
      yield each;
    }
  }

  async #pull({ target, selecting, peer }: Wanted): Promise<void> {
    const { responses, fetches } = this.#source;
    const request = requestFor(target, selecting);
    const resource = request && resourceOf(request, false);
    if (request === undefined || resource?.key !== keyOfTarget(target)) return;
    if (typeof responses.find(resource, request) === 'object') return;
    const fetch = fetches.pull(resource, request, peer);
    const outcome = await fetch.wait(request, this.#closing.signal);
    if (outcome.kind === 'response' && !outcome.shared) outcome.body.close();
    await fetch.ended;
  }
}

/**
 * What is to be got of what several machines have, from who has it, in that order: what this machine owns is
 * its to give away; then what they are asked for most, all together.
 */
export function wantedOf(lists: readonly HotList[], isOwn: (target: string) => boolean): Wanted[] {
  const byRequest = new Map<string, Wanted>();
  for (const { peer, responses } of lists)
    for (const each of responses) {
      const key = JSON.stringify([each.target, each.selecting]);
      const uses = each.uses + (byRequest.get(key)?.uses ?? 0);
      byRequest.set(key, { ...each, uses, peer });
    }
  const wanted = [...byRequest.values()].sort((one, other) => other.uses - one.uses);
  const own = new Set(wanted.filter(({ target }) => isOwn(target)));
  return [...own, ...wanted.filter(each => !own.has(each))];
}

/** As a client would ask for it. @returns undefined where a list says what is no target */
function requestFor(target: string, selecting: HeaderList): ServerRequest | undefined {
  if (!URL.canParse(target)) return undefined;
  const rawHeaders: HeaderList = [
    ...['Host', new URL(target).host, 'Cache-Control', 'only-if-cached'],
    ...selecting,
  ];
  return {
    method: 'GET',
    target,
    secure: target.startsWith('https:'),
    remoteAddress: undefined,
    header: name => fieldOf(rawHeaders, name),
    rawHeaders,
    body: undefined,
  };
}
