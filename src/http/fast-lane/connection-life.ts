import type { Socket } from 'node:net';
import type { LinkHost } from '../../network/bare-link.ts';
import { TlsLink } from '../../network/tls/tls-link.ts';
import type { BareConnection } from '../../os/node-socket.ts';
import type { ServerRequest } from '../message/exchange.ts';
import { BareLaneLink } from './bare-lane-link.ts';
import type { LaneExchange } from './lane-exchange.ts';
import type { Lane, LaneLimits, LaneMember } from './lane-host.ts';
import type { LaneLink } from './lane-link.ts';
import { LaneSending, type SendingHost } from './lane-sending.ts';
import { SecureLaneLink } from './secure-lane-link.ts';
import { type BodiesHost, ConnectionBodies } from './upload/connection-bodies.ts';
import type { UploadRooms } from './upload/upload-rooms.ts';

/** What a connection is doing: see {@link ConnectionLife}. */
type State = 'idle' | 'answering' | 'sending' | 'pausing' | 'draining' | 'lingering' | 'over';

/**
 * A connection of the fast lane, from its coming to its end: what it is doing, how long it may, and how it
 * ends. What is asked and answered on it is for LaneConnection.
 *
 * | state | what happens | next |
 * |---|---|---|
 * | `idle`: waits for a request | one comes whose answer is at hand, and the socket takes it | `idle` |
 * | | the socket takes a part | `sending` |
 * | | the answer is to come, or its body in pieces | `answering` |
 * | | so many pipelined ones come that others have their turn first | `pausing` |
 * | | bytes come that are no request for the lane, or the handler declines | `over`, handed over |
 * | | it took too long, or {@link finish} | `over`; `lingering` |
 * | `answering`: later requests wait | the answer is there and sent | `idle` |
 * | | the socket takes a part | `sending` |
 * | | the handler declines | `over`, handed over |
 * | | the client is gone, and the handler has left off | `over` |
 * | `sending`: later requests wait | the client has taken all | `idle` |
 * | | it stalls, or is gone | `over` |
 * | `pausing`: nothing is read | others had their turn | `idle` |
 * | `draining`: a body that nobody wants | its end has come | `idle` |
 * | | it is too long, or takes too long | `lingering`; `over` |
 * | `lingering`: after the last answer | the client ends its side, or it took too long | `over` |
 *
 * A body is read as its reader wants it, in each of these states. From `idle`, the last answer leads to
 * `over` if the client wanted it to be the last, else to `lingering`.
 */
export abstract class ConnectionLife implements LaneMember, LinkHost, SendingHost, BodiesHost {
  readonly link: LaneLink;
  protected readonly lane: Lane;
  protected readonly sending: LaneSending;
  protected state: State = 'idle';
  /** Who wants the next answer to be the last, if somebody does. */
  protected lastWantedBy: 'server' | 'client' | undefined;
  /** Whether the client has ended its side. */
  clientEnded = false;
  /** Whether a request was answered. */
  protected isProven = false;
  /** Bytes behind the request that is being answered. */
  waiting: Buffer | undefined;
  /** The request that a handler is answering. */
  exchange: LaneExchange | undefined;
  /** Where a request with a body has come. */
  protected bodiesSoFar: ConnectionBodies | undefined;
  /** When it last came to rest or made progress, by the lane's clock. */
  protected since: number;

  /**
   * @param connection bare, or with TLS on it whose handshake is done
   * @param socket of a bare one, if it has one already
   */
  constructor(lane: Lane, connection: BareConnection | TlsLink, socket?: Socket) {
    this.lane = lane;
    this.link =
      connection instanceof TlsLink
        ? new SecureLaneLink(connection, this)
        : new BareLaneLink(connection, lane, this, socket);
    this.since = lane.clock;
    this.sending = new LaneSending(this, lane.outbox, lane);
    // Asked for now, it is known when the connection is closed, too.
    if (lane.listener !== undefined) void this.link.remoteAddress;
  }

  check({ head, idle, stall, silence, body }: LaneLimits): void {
    const { clock } = this.lane;
    if (this.bodiesSoFar?.current?.isLate(silence, body) === true) return this.refuse(408);
    if (this.sending.hasProgressed()) this.since = clock;
    const { isUnderway } = this.sending;
    // How long a handler may take is for the handler to say.
    if (this.isBusy && !isUnderway) return;
    const isOld = this.isProven || this.state === 'lingering';
    const limit = isUnderway ? stall : isOld ? idle : head;
    if (clock - this.since > limit) this.destroy();
    else if (this.state === 'idle' && clock > this.since) this.link.relax();
  }

  finish(): void {
    // Who has just shaken hands is about to ask.
    if (this.state === 'idle' && this.link.secure && !this.isProven) return;
    this.lastWantedBy ??= 'server';
    if (this.state !== 'idle') return;
    this.since = this.lane.clock;
    this.linger();
  }

  /** Whether further requests wait. */
  protected get isBusy(): boolean {
    return this.state === 'answering' || this.state === 'sending' || this.state === 'pausing';
  }

  /** Whether later requests are read meanwhile. */
  protected get readsOn(): boolean {
    return !this.sending.isUnderway && this.state !== 'pausing';
  }

  ended(): void {
    this.clientEnded = true;
    // A client that closes and one that ends its side look the same: it gets what is there, or comes soon.
    const body = this.bodiesSoFar?.current;
    if (body?.isComing !== true) this.exchange?.clientEnded();
    else {
      // What ends before its end can be no request.
      body.fail();
      this.exchange?.giveUp();
    }
    if (this.sending.clientEnded()) this.destroy();
    else if (!this.isBusy) this.closeSoon();
  }

  lost(): void {
    this.destroy();
  }

  moved(): void {
    this.since = this.lane.clock;
  }

  get clock(): number {
    return this.lane.clock;
  }

  get bodies(): ConnectionBodies {
    this.bodiesSoFar ??= new ConnectionBodies(this, this.lane.uploads as UploadRooms);
    return this.bodiesSoFar;
  }

  /**
   * Ends our side, and drops what still comes until the peer ends its own: to close a socket with unread
   * bytes resets the connection, and the peer may lose the answer (RFC 9112, 9.6).
   */
  protected linger(): void {
    this.lastWantedBy ??= 'server';
    this.state = 'lingering';
    if (this.clientEnded) {
      this.closeSoon();
      return;
    }
    this.link.end();
    this.link.resume();
  }

  /** Node may have closed the socket, before it says so. */
  get isOver(): boolean {
    if (this.link.isBroken) this.destroy();
    return this.state === 'over';
  }

  protected closeSoon(): void {
    if (this.link.closeSoon()) this.leave();
  }

  destroy(): void {
    this.leave();
    this.link.close();
  }

  protected leave(): void {
    if (this.state === 'over') return;
    this.state = 'over';
    this.link.pause();
    this.exchange?.dispose();
    this.bodiesSoFar?.close();
    this.sending.giveUp();
    this.lane.ended(this);
  }

  abstract filled(count: number, into?: Buffer): boolean;
  abstract requestOfRepeated(): ServerRequest;
  abstract malformed(): void;
  /** The body of a request is none, or takes too long: says so by a status, which is the last. */
  protected abstract refuse(status: number): void;
}
