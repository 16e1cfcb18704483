import { IoliteError } from '../../../base/error.ts';
import type { ServerRequest } from '../../message/exchange.ts';
import { type HeaderList, without } from '../../message/header-list.ts';
import type { Peer, ProxyPeers } from '../cluster/proxy-peers.ts';
import { readGroups } from '../cluster/pulled-groups.ts';
import { keyOfTarget, type Resource } from '../resource.ts';
import { BodyMending } from './body-mending.ts';
import { type Forwarding, fieldsForPeer } from './forwarding.ts';
import type { OriginLimits } from './http-origin.ts';
import type { Exchange, Origin, OriginRequest, Receive, ResponseHead } from './origin.ts';
import { PeerOrigin } from './peer/peer-origin.ts';
import type { ReceivedBody } from './received-body.ts';

/** A machine of the same network takes less; another one is asked then. */
const CONNECT_MS = 250;
/** Of those that own a target one after the other, as those before do not answer. */
const MAX_PEERS = 2;
/** What machines say to each other, and nobody else. */
const BETWEEN_MACHINES = new Set(['iolite-fill', 'iolite-groups']);
/** What a peer did not answer is no matter of the client's request. */
const GONE = new Set(['ERR_IOLITE_ORIGIN', 'ERR_IOLITE_TIMEOUT', 'ERR_IOLITE_PROTOCOL']);

const CONDITIONS = new Set(['if-none-match', 'if-modified-since']);

/** What pulls work with. */
export interface PullContext {
  readonly peers: ProxyPeers;
  readonly origin: Origin;
  readonly forwarding: Forwarding;
  /** As of {@link Pull}. */
  readonly site: string;
  readonly limits: OriginLimits;
}

/** What is asked for: by whom, of what, and with which conditions. */
export interface PullSubject {
  readonly resource: Resource;
  readonly leader: ServerRequest;
  readonly conditions: HeaderList;
}

/** Gets what this machine has not from the machine that owns it, and from the origin where that has not. */
export class Pulls {
  readonly context: PullContext;
  readonly #connections = new Map<string, PeerOrigin>();

  constructor(context: PullContext) {
    this.context = context;
  }

  /**
   * Asks the owner, and in its place the origin with a request of its own.
   * @param asked makes that request
   * @returns undefined where the origin is to be asked right away
   */
  ask<T>(subject: PullSubject, asked: () => OriginRequest, receive: Receive<T>): PullExchange<T> | undefined {
    const target = pulledTarget(subject);
    const owner = target === undefined ? undefined : this.context.peers.ownerOf(target);
    if (target === undefined || owner === undefined) return undefined;
    return new PullExchange(this, { ...subject, target }, receive, { origin: asked, owner });
  }

  /** Asks one machine for what it has, and nobody in its place. */
  askOnly<T>(peer: Peer, subject: PullSubject, receive: Receive<T>): PullExchange<T> {
    const target = targetOf(subject.resource);
    return new PullExchange(this, { ...subject, target }, receive, { only: peer });
  }

  connectionTo({ url }: Peer): PeerOrigin {
    let connection = this.#connections.get(url);
    if (connection === undefined) {
      const { headersTimeout, bodyTimeout, complain } = this.context.limits;
      const limits = { connectTimeout: CONNECT_MS, headersTimeout, bodyTimeout, complain };
      connection = new PeerOrigin(url, limits);
      this.#connections.set(url, connection);
    }
    return connection;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#connections.values()].map(connection => connection.close()));
  }
}

/**
 * The URI that says who owns what a request is for. What is for one client, or what a server in front has
 * said more of, has no owner.
 */
function pulledTarget({ resource, leader }: PullSubject): string | undefined {
  const { authority, key } = resource;
  const isPersonal = leader.header('authorization') !== undefined || leader.header('cookie') !== undefined;
  const target = targetOf(resource);
  return isPersonal || authority === '' || key !== keyOfTarget(target) ? undefined : target;
}

function targetOf({ scheme, authority, path }: Resource): string {
  return `${scheme}://${authority}${path}`;
}

function saysGone(error: unknown): boolean {
  return error instanceof IoliteError && GONE.has(error.code);
}

/** Who is asked: owners, of whom the first may be known, and the origin in their place; or one machine. */
type Asked = { readonly origin: () => OriginRequest; readonly owner?: Peer } | { readonly only: Peer };

/**
 * A request to the owner of a target, and then to the origin if the owner is gone, or has nothing to give.
 */
export class PullExchange<T> implements Exchange<T> {
  readonly received: Promise<T>;
  /** Resolves when the origin is asked instead. */
  readonly asksOrigin: Promise<void>;
  readonly #pulls: Pulls;
  readonly #subject: PullSubject & { readonly target: string };
  readonly #receive: Receive<T>;
  /** How many machines may be asked yet. */
  #peersLeft: number;
  #current: Exchange<unknown> | undefined;
  #isAborted = false;
  #tellOrigin: () => void = () => {};

  constructor(
    pulls: Pulls,
    subject: PullSubject & { readonly target: string },
    receive: Receive<T>,
    asked: Asked,
    peers = MAX_PEERS,
  ) {
    this.#peersLeft = peers;
    this.#pulls = pulls;
    this.#subject = subject;
    this.#receive = receive;
    this.asksOrigin = new Promise(resolve => {
      this.#tellOrigin = resolve;
    });
    this.received = 'only' in asked ? this.#pullOnly(asked.only) : this.#run(asked.origin, asked.owner);
  }

  abort(): void {
    this.#isAborted = true;
    this.#current?.abort();
  }

  async #run(asked: () => OriginRequest, first: Peer | undefined): Promise<T> {
    const { peers, origin } = this.#pulls.context;
    for (let known = first; this.#peersLeft > 0; known = undefined) {
      const owner = known ?? peers.ownerOf(this.#subject.target);
      if (owner === undefined) break;
      this.#peersLeft -= 1;
      const outcome = await this.#pull(owner, asked);
      if (outcome === 'refused') break;
      if (outcome !== 'gone') return outcome.received;
    }
    const exchange = origin.send(asked(), this.#receive);
    this.#current = exchange;
    this.#tellOrigin();
    return exchange.received;
  }

  async #pullOnly(peer: Peer): Promise<T> {
    const outcome = await this.#pull(peer);
    if (typeof outcome === 'object') return outcome.received;
    throw new IoliteError('ERR_IOLITE_ORIGIN', `Cannot pull from ${peer.name}: it is ${outcome}`);
  }

  /**
   * @param asked of the origin, where the body of the response breaks off and nobody else has it
   * @throws what is not the peer's fault
   */
  async #pull(
    owner: Peer,
    asked?: () => OriginRequest,
  ): Promise<{ readonly received: T } | 'refused' | 'gone'> {
    const { peers } = this.#pulls.context;
    const { path } = this.#subject.resource;
    const headers = this.#fieldsFor(owner);
    const exchange = this.#pulls
      .connectionTo(owner)
      .send<{ readonly received: T } | 'refused'>(
        { method: 'GET', path, headers, body: undefined },
        (head, body) => {
          if (peers.isFill(head.headers, headers)) {
            const groups = readGroups(head.headers);
            const told = { ...head, headers: without(head.headers, BETWEEN_MACHINES) };
            if (asked !== undefined) body.mendBy(error => this.#goOn(owner, asked, { told, body, error }));
            return { received: this.#receive(groups === undefined ? told : { ...told, groups }, body) };
          }
          body.close();
          return 'refused';
        },
      );
    this.#current = exchange;
    try {
      return await exchange.received;
    } catch (error) {
      if (this.#isAborted) throw error;
      if (!saysGone(error)) return 'refused';
      peers.suspect(owner);
      return 'gone';
    }
  }

  /** A body breaks off: what it was has somebody else, or the origin. */
  #goOn(
    owner: Peer,
    asked: () => OriginRequest,
    { told, body, error }: { told: ResponseHead; body: ReceivedBody; error: Error },
  ): BodyMending | undefined {
    if (!saysGone(error)) return undefined;
    this.#pulls.context.peers.suspect(owner);
    const mending = new BodyMending(body, told, () => rest.abort());
    const whole = (): OriginRequest => {
      const first = asked();
      return { ...first, headers: without(first.headers, CONDITIONS), interim: undefined };
    };
    const rest = new PullExchange<void>(
      this.#pulls,
      { ...this.#subject, conditions: [] },
      (head, again) => mending.receive(head, again),
      { origin: whole },
      this.#peersLeft,
    );
    rest.received.catch(() => body.fail(error));
    return mending;
  }

  #fieldsFor(owner: Peer): HeaderList {
    const { peers, forwarding, site } = this.#pulls.context;
    const { resource, leader, conditions, target } = this.#subject;
    const client = leader.remoteAddress;
    const signed = peers.sign(owner, { site, target, client });
    return ['Host', resource.authority, ...fieldsForPeer(leader, forwarding), ...conditions, ...signed];
  }
}
