import { abortable } from '../../../base/abortable.ts';
import { parseDirectives } from '../../message/cache-control.ts';
import type { ServerRequest } from '../../message/exchange.ts';
import { fieldOf } from '../../message/header-list.ts';
import type { ResponseFacts } from '../cache/response-facts.ts';
import type { Refusal } from '../cache/response-store.ts';
import { mayStore } from '../cache/storable.ts';
import type { SelectedResponse, StoredResponses } from '../cache/stored-responses.ts';
import { conditionsOf, renewed } from '../cache/validation.ts';
import type { Resource } from '../resource.ts';
import { type Forwarding, forwardedRequest, forwardedResponse } from './forwarding.ts';
import type { Exchange, Origin, ResponseHead } from './origin.ts';
import type { ReceivedBody } from './received-body.ts';

/** What came of asking the origin. */
export type FetchOutcome =
  /** What was stored still is what it would send; it is stored with these facts now. */
  | { readonly kind: 'renewed'; readonly facts: ResponseFacts }
  /**
   * A response. Whoever takes its body closes it for more readers unless it is shared.
   * @property shared whether others may have it too, as it is being kept until it has come
   * @property refusal why it is not stored then, although it may be, as far as is known before it has come
   */
  | {
      readonly kind: 'response';
      readonly facts: ResponseFacts;
      readonly body: ReceivedBody;
      readonly shared: boolean;
      readonly refusal: Refusal | undefined;
    }
  | { readonly kind: 'failed'; readonly error: Error };

/** What a fetch works with. */
export interface FetchContext {
  readonly origin: Origin;
  readonly responses: StoredResponses;
  readonly forwarding: Forwarding;
}

/**
 * A GET to the origin for the whole of a resource, or for whether what is stored of it still holds. Others
 * can wait for it; what comes is stored, if it may be.
 */
export class Fetch {
  readonly resource: Resource;
  /** Whose fields the origin is asked with. */
  readonly leader: ServerRequest;
  /** Never rejects. */
  readonly outcome: Promise<FetchOutcome>;
  /** When it is stored, or certain not to be. */
  readonly ended: Promise<void>;
  readonly #context: FetchContext;
  #exchange: Exchange<FetchOutcome | 'other'>;
  #waiting = 0;
  #leaderLeft = false;
  #invalidated = false;
  #end: () => void = () => {};

  /** @param found what is stored, and to be validated */
  constructor(
    context: FetchContext,
    resource: Resource,
    leader: ServerRequest,
    found: SelectedResponse | undefined,
  ) {
    this.resource = resource;
    this.leader = leader;
    this.#context = context;
    this.ended = new Promise(resolve => {
      this.#end = resolve;
    });
    this.#exchange = this.#send(found);
    this.outcome = this.#run().catch(error => {
      this.#end();
      return { kind: 'failed', error };
    });
  }

  /**
   * Waits for what comes of it. When all have left who wait, the origin is left alone too.
   * @throws the signal's reason
   */
  async wait(request: ServerRequest, signal?: AbortSignal): Promise<FetchOutcome> {
    this.#waiting += 1;
    try {
      return await abortable(this.outcome, signal);
    } catch (error) {
      if (request === this.leader) this.#leaderLeft = true;
      if (this.#waiting === 1) this.#exchange.abort();
      throw error;
    } finally {
      this.#waiting -= 1;
    }
  }

  /** The resource was changed meanwhile: what comes is for those who asked before, and not stored. */
  invalidate(): void {
    this.#invalidated = true;
  }

  #send(found: SelectedResponse | undefined): Exchange<FetchOutcome | 'other'> {
    const { origin, forwarding } = this.#context;
    const { path, authority } = this.resource;
    const headers = forwardedRequest(this.leader, authority, forwarding, true);
    if (found !== undefined) headers.push(...conditionsOf(found.facts));
    return origin.send({ method: 'GET', path, headers, body: undefined }, (head, body) =>
      head.status === 304 && found !== undefined
        ? this.#confirmed(head, body, found)
        : this.#received(head, body),
    );
  }

  async #run(): Promise<FetchOutcome> {
    const outcome = await this.#exchange.received;
    if (outcome !== 'other') return outcome;
    this.#exchange = this.#send(undefined);
    return (await this.#exchange.received) as FetchOutcome;
  }

  /** @returns 'other' when the 304 is about a version that is not stored */
  #confirmed(head: ResponseHead, body: ReceivedBody, found: SelectedResponse): FetchOutcome | 'other' {
    const { requestedAt, receivedAt } = head;
    const headers = forwardedResponse(head.headers, this.#context.forwarding);
    const facts = renewed(found.facts, headers, { requestedAt, receivedAt });
    body.close();
    if (facts === undefined) return 'other';
    if (!this.#invalidated) this.#context.responses.renew(found, facts);
    this.#end();
    return { kind: 'renewed', facts };
  }

  #received(head: ResponseHead, body: ReceivedBody): FetchOutcome {
    const { responses, forwarding } = this.#context;
    const { status, requestedAt, receivedAt } = head;
    const headers = forwardedResponse(head.headers, forwarding);
    const facts: ResponseFacts = { kind: 'response', status, headers, requestedAt, receivedAt };
    const length = Number(fieldOf(headers, 'content-length') ?? Number.NaN);
    const storable =
      !this.#invalidated && isDelimited(head) && mayStore(askedBy(this.leader), status, headers);
    const shared = storable && !(length > responses.largest);
    if (shared) responses.declare(this.resource, facts);
    const refusal = storable ? responses.refusalOf(this.resource, this.leader, facts, length) : undefined;
    if (shared) this.#keep(body, facts, { length, refusal });
    else {
      this.#end();
      if (this.#leaderLeft) body.close();
    }
    return { kind: 'response', facts, body, shared, refusal };
  }

  /**
   * Keeps a body until it has come, for all who join, and stores it then.
   * @param length in bytes; NaN when it is not known
   */
  #keep(
    body: ReceivedBody,
    facts: ResponseFacts,
    { length, refusal }: { length: number; refusal: Refusal | undefined },
  ): void {
    const { responses } = this.#context;
    body.keep({
      limit: responses.largest,
      evenAlone: length <= responses.largest && refusal === undefined,
      done: content => {
        this.#finish(body);
        if (this.#invalidated || refusal !== undefined) return undefined;
        const isLate = Number.isNaN(length);
        if (isLate && responses.refusalOf(this.resource, this.leader, facts, content.length) !== undefined)
          return undefined;
        return responses.put(this.resource, this.leader, facts, content);
      },
      dropped: () => this.#finish(body),
    });
  }

  /** Nobody joins from here on. */
  #finish(body: ReceivedBody): void {
    this.#end();
    // Those who were told of it just now take their readers first.
    setImmediate(() => body.close());
  }
}

/** Whether an end that comes too early is told from the true one (RFC 9112, 6.3). */
function isDelimited({ status, headers }: ResponseHead): boolean {
  return (
    status === 204 ||
    fieldOf(headers, 'content-length') !== undefined ||
    fieldOf(headers, 'transfer-encoding') !== undefined
  );
}

function askedBy(request: ServerRequest) {
  return {
    method: 'GET',
    directives: parseDirectives(request.header('cache-control')),
    authorized: request.header('authorization') !== undefined,
  };
}
