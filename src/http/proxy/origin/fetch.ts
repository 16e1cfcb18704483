import { setTimeout as delay } from 'node:timers/promises';
import type { Aggregate } from '../../../aggregate/aggregate.ts';
import { abortable } from '../../../base/abortable.ts';
import { parseDirectives } from '../../message/cache-control.ts';
import type { ServerRequest } from '../../message/exchange.ts';
import { fieldOf, type HeaderList, without } from '../../message/header-list.ts';
import { type GroupField, groupsOf } from '../cache/groups.ts';
import type { ResponseFacts } from '../cache/response-facts.ts';
import type { Refusal } from '../cache/response-store.ts';
import { ASKED_BY_ANYBODY, mayStore, type StorableRequest } from '../cache/storable.ts';
import { type SelectedResponse, type StoredResponses, variesAlike } from '../cache/stored-responses.ts';
import { conditionsOf, renewed } from '../cache/validation.ts';
import type { Peer } from '../cluster/proxy-peers.ts';
import type { Resource } from '../resource.ts';
import type { BodyRoom } from './body-room.ts';
import { type Forwarding, forwardedRequest, forwardedResponse } from './forwarding.ts';
import type { Exchange, Origin, OriginRequest, Receive, ResponseHead } from './origin.ts';
import { interimOf } from './pass-on.ts';
import type { PullExchange, Pulls } from './pulls.ts';
import type { ReceivedBody } from './received-body.ts';

/** What came of asking the origin. */
export type FetchOutcome =
  /** What was stored still is what it would send; it is stored with these facts now. */
  | { readonly kind: 'renewed'; readonly facts: ResponseFacts }
  /**
   * What was stored still is what it would send, with these facts, for the leader: it takes over the content.
   */
  | { readonly kind: 'confirmed'; readonly facts: ResponseFacts; readonly content: Aggregate }
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
  /** Of bodies that are to be stored. */
  readonly room: BodyRoom;
  /** As {@link mayStore} takes it. */
  readonly storeCookies: boolean;
  /** As {@link groupsOf} takes them: nobody else is told of them. */
  readonly groupFields: readonly GroupField[];
  /** Where other machines are asked before the origin. */
  readonly pulls?: Pulls | undefined;
}

/**
 * Who is asked first: the machine that owns a target, or the origin. Or one machine and nobody else, for what
 * nobody waits for: it is stored where nothing has come meanwhile.
 */
export type FirstAsked = 'owner' | 'origin' | Peer;

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
  readonly #first: FirstAsked;
  #pull: PullExchange<unknown> | undefined;
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
    first: FirstAsked = 'origin',
  ) {
    this.#first = first;
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
    void this.outcome.then(() => {
      this.#pull = undefined;
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
      if (request === this.leader) this.#leave();
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

  get isInvalidated(): boolean {
    return this.#invalidated;
  }

  /** Whether another machine is asked, and not the origin: as far as is known. */
  get isPulling(): boolean {
    return this.#pull !== undefined;
  }

  /** When it has come from another machine, the origin is asked, or after so many milliseconds. */
  async endOfPull(most: number): Promise<void> {
    if (this.#pull === undefined) return;
    await Promise.race([this.#pull.asksOrigin, this.outcome, delay(most, undefined, { ref: false })]);
  }

  /** The leader has left: what is for it alone, nobody takes. */
  #leave(): void {
    this.#leaderLeft = true;
    void this.outcome.then(outcome => {
      if (outcome.kind === 'confirmed') outcome.content.release();
    });
  }

  #send(found: SelectedResponse | undefined): Exchange<FetchOutcome | 'other'> {
    const { origin, forwarding, pulls } = this.#context;
    const conditions = found === undefined ? [] : conditionsOf(found.facts);
    const receive: Receive<FetchOutcome | 'other'> = (head, body) =>
      head.status === 304 && found !== undefined
        ? this.#confirmed(head, body, found)
        : this.#received(head, body);
    const first = this.#first;
    if (typeof first === 'object' && pulls !== undefined)
      return pulls.askOnly(first, { resource: this.resource, leader: this.leader, conditions }, receive);
    const asked = (): OriginRequest => ({
      method: 'GET',
      path: this.resource.path,
      headers: [...forwardedRequest(this.leader, this.resource, forwarding, true), ...conditions],
      body: undefined,
      interim: interimOf(this.leader),
    });
    const pull = first === 'owner' ? this.#ask(asked, conditions, receive) : undefined;
    return pull ?? origin.send(asked(), receive);
  }

  /** Asks the owner, if that is another machine. */
  #ask(
    asked: () => OriginRequest,
    conditions: HeaderList,
    receive: Receive<FetchOutcome | 'other'>,
  ): PullExchange<FetchOutcome | 'other'> | undefined {
    const { resource, leader } = this;
    const pull = this.#context.pulls?.ask({ resource, leader, conditions }, asked, receive);
    this.#pull = pull;
    void pull?.asksOrigin.then(() => {
      this.#pull = undefined;
    });
    return pull;
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
    const headers = forwardedResponse(head, this.resource, this.#context.forwarding);
    const confirmed = renewed(found.facts, this.#withoutGroupFields(headers), { requestedAt, receivedAt });
    body.close();
    if (confirmed === undefined) return 'other';
    const groups = head.groups ?? groupsOf(headers, this.#context.groupFields);
    const facts = groups === undefined ? confirmed : { ...confirmed, groups };
    const isForAll = variesAlike(facts, found.facts) && this.#mayStore(askedBy(this.leader), facts);
    if (!isForAll) return this.#confirmedForLeader(found, facts);
    if (!this.#invalidated) this.#context.responses.renew(found, facts);
    this.#end();
    return { kind: 'renewed', facts };
  }

  /**
   * With the fields of the 304 it may not be stored: because of who asks, and then what is stored stays as it
   * was, or because of what it says, and then that leaves.
   */
  #confirmedForLeader(found: SelectedResponse, facts: ResponseFacts): FetchOutcome | 'other' {
    const { responses } = this.#context;
    const content = responses.contentOf(found);
    const stays = variesAlike(facts, found.facts) && this.#mayStore(ASKED_BY_ANYBODY, facts);
    if (!stays) responses.forget(found);
    if (content === undefined) return 'other';
    this.#end();
    return { kind: 'confirmed', facts, content };
  }

  #mayStore(asked: StorableRequest, { status, headers }: Pick<ResponseFacts, 'status' | 'headers'>): boolean {
    return mayStore(asked, status, headers, this.#context.storeCookies);
  }

  #withoutGroupFields(headers: string[]): string[] {
    const { groupFields } = this.#context;
    return groupFields.length === 0 ? headers : without(headers, new Set(groupFields));
  }

  #received(head: ResponseHead, body: ReceivedBody): FetchOutcome {
    const { responses, forwarding } = this.#context;
    const { status, requestedAt, receivedAt } = head;
    const received = forwardedResponse(head, this.resource, forwarding);
    const headers = this.#withoutGroupFields(received);
    const groups = head.groups ?? groupsOf(received, this.#context.groupFields);
    const times = { requestedAt, receivedAt, ...(groups === undefined ? {} : { groups }) };
    const facts: ResponseFacts = { kind: 'response', status, headers, ...times };
    const length = Number(fieldOf(headers, 'content-length') ?? Number.NaN);
    // As it came: what Connection takes off has its say before.
    const storable = !this.#invalidated && isDelimited(head) && this.#mayStore(askedBy(this.leader), head);
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
      room: this.#context.room,
      evenAlone: length <= responses.largest && refusal === undefined,
      done: content => {
        this.#finish(body);
        if (this.#invalidated || refusal !== undefined || this.#isLate) return undefined;
        const isUnmeasured = Number.isNaN(length);
        if (
          isUnmeasured &&
          responses.refusalOf(this.resource, this.leader, facts, content.length) !== undefined
        )
          return undefined;
        return responses.put(this.resource, this.leader, facts, content);
      },
      dropped: () => this.#finish(body),
    });
  }

  /** Whether what clients have asked for meanwhile, which is newer, is there. */
  get #isLate(): boolean {
    if (typeof this.#first !== 'object') return false;
    return typeof this.#context.responses.find(this.resource, this.leader) === 'object';
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

function askedBy(request: ServerRequest): StorableRequest {
  return {
    method: 'GET',
    directives: parseDirectives(request.header('cache-control')),
    authorized: request.header('authorization') !== undefined,
    hasCookie: request.header('cookie') !== undefined,
  };
}
