import type { Handler, PendingAnswer, Recipient, ServerRequest } from '../message/exchange.ts';
import { tellLater } from '../message/promised-answer.ts';
import { statusAnswer } from '../message/status-answer.ts';
import { type Forwarding, isLoop } from './origin/forwarding.ts';
import { type ForwardingOptions, forwardingOf } from './origin/forwarding-options.ts';
import { HttpOrigin, type OriginLimits } from './origin/http-origin.ts';
import { passOn } from './origin/pass-on.ts';
import { resourceOf } from './resource.ts';

/** Options of {@link createUpgradeProxy}: those of createProxy() that are about the origin. */
export interface UpgradeProxyOptions extends OriginLimits, ForwardingOptions {
  /** The server behind: `http:` or `https:`, with its port. */
  readonly origin: string | URL;
}

/**
 * A handler that passes requests to go over to another protocol on to an origin, and declines all others: for
 * a process whose other requests a proxy in another domain answers, which bytes of a tunnel need not pass.
 * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
 */
export function createUpgradeProxy(options: UpgradeProxyOptions): UpgradeProxy {
  return new UpgradeProxy(options);
}

/** Use {@link createUpgradeProxy}. Close it to end its connections. */
export class UpgradeProxy implements Handler, AsyncDisposable {
  readonly takesUpgrades = true;
  readonly #origin: HttpOrigin;
  readonly #forwarding: Forwarding;

  constructor(options: UpgradeProxyOptions) {
    this.#origin = new HttpOrigin(options.origin, options);
    this.#forwarding = forwardingOf(options, this.#origin.url);
  }

  answer(request: ServerRequest, recipient: Recipient): PendingAnswer | undefined {
    const resource = resourceOf(request, this.#forwarding.trusted.trusts(request.remoteAddress));
    if (request.upgrade === undefined) recipient.declined();
    else if (resource === undefined) recipient.answered(statusAnswer(400));
    else if (isLoop(request, this.#forwarding)) recipient.answered(statusAnswer(508));
    else {
      const context = { origin: this.#origin, forwarding: this.#forwarding };
      return tellLater(recipient, signal => passOn(context, resource, request, signal));
    }
    return undefined;
  }

  /** Ends its connections to the origin. */
  close(): Promise<void> {
    return this.#origin.close();
  }

  /** For `await using`: see {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
