import type { Answer, ServerRequest } from '../../message/exchange.ts';
import type { HeaderList } from '../../message/header-list.ts';
import type { HotResponse } from '../cache/hot-response.ts';

/** Another machine, as one that contents are got from. */
export interface Peer {
  /** As it has joined by. */
  readonly name: string;
  /** Where it answers pulls: scheme, host and port. */
  readonly url: string;
  /** Another one each time that it joins. */
  readonly epoch: string;
}

/** What is asked of a peer. */
export interface Pull {
  /** Which of a machine's proxies is meant: the one that has the same origin. */
  readonly site: string;
  /** The target URI. */
  readonly target: string;
  /** Address of the client, which the origin is told. */
  readonly client: string | undefined;
}

/**
 * Answers a pull when this machine has applied as much as the one that asks.
 * @returns undefined for what it is not to have from here
 */
export type PullAnswerer = (request: ServerRequest, signal: AbortSignal) => Promise<Answer | undefined>;

/** What a machine has, that which is asked for most first. */
export interface HotList {
  /** Which machine it is. */
  readonly peer: Peer;
  /** Not their bodies: what there is to be asked for. */
  readonly responses: readonly HotResponse[];
}

/** What this machine has for others. */
export interface SiteService {
  /** What a pull is answered with at once. @returns undefined where it takes longer, or is not to be had */
  atHand(request: ServerRequest): Answer | undefined;
  /** Answers their pulls. */
  readonly answer: PullAnswerer;
  /** What is asked for most first. */
  hottest(): Promise<readonly HotResponse[]>;
}

/** The other machines of a cluster, as a proxy sees them. */
export interface ProxyPeers {
  /**
   * Who owns a target, of those that are not suspected to be gone. O(machines).
   * @returns undefined where this machine does, or it is to ask the origin itself
   */
  ownerOf(target: string): Peer | undefined;
  /** It did not answer: for five seconds others own what it does. */
  suspect(peer: Peer): void;
  /** Fields of a pull, which say who asks, and how far it is in the log. Once each. */
  sign(peer: Peer, pull: Pull): HeaderList;
  /** Whether fields are those of an answer by a peer that is as far in the log as this machine was. */
  isFill(headers: HeaderList, asked: HeaderList): boolean;
  /** Has what others ask of a site answered. @returns what ends that */
  serve(site: string, service: SiteService): () => void;
  /**
   * What the others of a site have: of those that say it within some hundred milliseconds.
   * @throws the signal's reason
   */
  hotLists(site: string, signal: AbortSignal): Promise<readonly HotList[]>;
}
