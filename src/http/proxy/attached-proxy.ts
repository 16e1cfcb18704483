import { Aggregate } from '../../aggregate/aggregate.ts';
import { ALWAYS_REPEATABLE, type Repeatable, repeatableWhile } from '../../base/repeatable.ts';
import type { Channel } from '../../ipc/channel.ts';
import { StoreIndex } from '../../store/attached/store-index.ts';
import type { StoredVersion } from '../../store/stored-version.ts';
import type { Handler, PendingAnswer, Recipient, ServerRequest } from '../message/exchange.ts';
import { fieldOf } from '../message/header-list.ts';
import { noteAnswer } from './cache/answer-count.ts';
import { useOf } from './cache/freshness.ts';
import { RepeatedResponse } from './cache/repeated-response.ts';
import type { StoredFacts } from './cache/response-facts.ts';
import { RESPONSES } from './cache/response-store.ts';
import { answerFromStore } from './cache/stored-answer.ts';
import { keyOfVariant, select } from './cache/stored-responses.ts';
import { type CacheLookup, isRepeatable, lookupOf } from './cache-lookup.ts';
import { TrustedProxies } from './trusted-proxies.ts';

/** What the proxy says of an answer that it had. */
const HIT = /\biolite; hit\b/;

/**
 * Attaches to what a reverse proxy in another domain keeps, and serves ({@link ReverseProxy.serve}).
 * @param forward what has that proxy answer: for all that is not held here
 * @param upgrades answers requests to go over to another protocol, which are no matter of that proxy's:
 *   {@link createUpgradeProxy}. Default: they are not taken
 * @throws ERR_IOLITE_PEER, or what the peer answers if it serves none
 */
export async function attachProxy(
  channel: Channel,
  forward: Handler,
  upgrades?: Handler,
): Promise<AttachedProxy> {
  const proxy = new AttachedProxy(forward, upgrades);
  await proxy.attach(channel);
  return proxy;
}

/**
 * A handler that sends what is fresh from the memory of a proxy in another domain: without a message, and
 * from the same copy as all others. What the proxy had when it was asked is held from then on; the proxy
 * tells what is no more right.
 */
export class AttachedProxy implements Handler, Disposable {
  readonly letsRepeat = true;
  readonly #forward: Handler;
  /** If its owner is gone, what is held is sent as long as it is fresh. */
  readonly #index = new StoreIndex<StoredFacts>(RESPONSES, () => {});
  readonly #upgrades: Handler | undefined;
  readonly takesUpgrades: boolean;
  #trusted = new TrustedProxies();

  /** Use attachProxy(). */
  constructor(forward: Handler, upgrades?: Handler) {
    this.#forward = forward;
    this.#upgrades = upgrades;
    this.takesUpgrades = upgrades !== undefined;
  }

  /** Attaches to another owner, in place of the one it had. @throws ERR_IOLITE_PEER */
  async attach(channel: Channel): Promise<void> {
    await this.#index.attach(channel);
    this.#trusted = new TrustedProxies(this.#index.trustForwarded);
  }

  answer(request: ServerRequest, recipient: Recipient): PendingAnswer | undefined {
    if (request.upgrade !== undefined && this.#upgrades !== undefined)
      return this.#upgrades.answer(request, recipient);
    const lookup = lookupOf(request, this.#trusted.trustsSender(request));
    if (lookup === undefined) return this.#forward.answer(request, recipient);
    if (!this.#answerHere(lookup, recipient))
      return this.#forward.answer(request, this.#taking(lookup, recipient));
    return undefined;
  }

  /** Passes on what the proxy answers, and has it held here if the proxy had it. */
  #taking(lookup: CacheLookup, recipient: Recipient): Recipient {
    return {
      answered: answer => {
        // What is asked for once only, as most is, need not be held here.
        if (HIT.test(fieldOf(answer.headers, 'cache-status') ?? '')) void this.#take(lookup);
        recipient.answered(answer);
      },
      declined: () => recipient.declined(),
      failed: error => recipient.failed(error),
    };
  }

  /** Lets go of what is held. */
  close(): void {
    this.#index.close();
  }

  /** For `using`: see {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @returns whether it has answered with what is held here */
  #answerHere(lookup: CacheLookup, recipient: Recipient): boolean {
    const { resource, request, wanted } = lookup;
    let held: StoredVersion<StoredFacts> | undefined;
    let repeatable: Repeatable | undefined = ALWAYS_REPEATABLE;
    const found = select(resource, request, key => {
      const memo = { entry: undefined };
      held = this.#index.peekAgain(key, memo);
      const entry = this.#index.repeatable(memo);
      repeatable = repeatable && entry && repeatableWhile(repeatable, entry);
      return held?.facts;
    });
    if (typeof found === 'string' || held === undefined) return false;
    const { facts } = found;
    const now = Date.now();
    const use = useOf(facts, wanted, now);
    if (use !== 'fresh' && use !== 'stale') return false;
    const content = held.shareContent() ?? Aggregate.empty();
    const answer = answerFromStore(request, facts, content, { hit: true }, now);
    const mayRepeat = use === 'fresh' && isRepeatable(lookup, answer, this.#trusted);
    noteAnswer(use === 'fresh' ? 'hit' : 'stale');
    recipient.answered(
      answer,
      mayRepeat && repeatable ? new RepeatedResponse(repeatable, facts, now) : undefined,
    );
    return true;
  }

  /** Asks the owner for the response that a request selects. It may have left meanwhile, as may the owner. */
  async #take({ resource, request }: CacheLookup): Promise<void> {
    try {
      const { key } = resource;
      const facts = await this.#factsOf(key);
      if (facts.kind === 'variants')
        await this.#factsOf(keyOfVariant(key, facts.epoch, facts.fields, request));
    } catch {
      // The next request is forwarded as this one was.
    }
  }

  async #factsOf(key: string): Promise<StoredFacts> {
    const held = this.#index.peek(key)?.retain() ?? (await this.#index.ask(key));
    const { facts } = held;
    held.release();
    return facts;
  }
}
