import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { IoliteError } from '../../base/error.ts';

/** Frames that are gathered are cut into messages of NATS of at most this, or of what its server takes. */
const MAX_PAYLOAD_BYTES = 512 * 1024;
/** NATS answers so when nobody listens at a subject. */
const NO_RESPONDERS = 503;

/**
 * The bytes of a link's frames as messages of NATS: from one inbox to the other, each numbered, for NATS
 * keeps the order of what it delivers, delivers nothing twice, and drops what it cannot. A message names
 * where it comes from, and its number, as the subject to reply to: so NATS tells when nobody reads there.
 */
export class Payloads {
  readonly #connection: NatsConnection;
  /** Our own inbox, without what follows it. */
  readonly inbox: string;
  /** The peer's, once it is known. */
  peer: string | undefined;
  #mostBytes: number;
  #sent = 0;
  #received = 0;

  constructor(connection: NatsConnection, inbox: string) {
    this.#connection = connection;
    this.inbox = inbox;
    this.#mostBytes = Math.min(MAX_PAYLOAD_BYTES, this.maxPayload);
  }

  /** Bytes that our server takes at once. */
  get maxPayload(): number {
    return this.#connection.info?.max_payload ?? MAX_PAYLOAD_BYTES;
  }

  /** The peer's server takes no more than this at once. */
  set peerMaxPayload(bytes: number) {
    this.#mostBytes = Math.min(this.#mostBytes, bytes);
  }

  /** Bytes of the longest message of NATS that is sent. */
  get mostBytes(): number {
    return this.#mostBytes;
  }

  /** How many were sent. */
  get sent(): number {
    return this.#sent;
  }

  /** How many came. */
  get received(): number {
    return this.#received;
  }

  /** Sends frames, or nothing, which says that we are here. @throws what NATS says when it is closed */
  send(bytes: Uint8Array): void {
    let at = 0;
    do {
      const part = bytes.subarray(at, at + this.#mostBytes);
      this.#connection.publish(`${this.peer}.m`, part, { reply: `${this.inbox}.${this.#sent}` });
      this.#sent += 1;
      at += this.#mostBytes;
    } while (at < bytes.length);
  }

  /**
   * A message of NATS came. @returns its bytes; undefined when it is not of the peer
   * @throws ERR_IOLITE_PEER when nobody reads at the other end, or something was lost on the way
   */
  take(message: Msg): Buffer | undefined {
    if (isUnanswered(message)) throw peerGone('nobody reads there any more');
    const { inbox, number } = senderOf(message);
    if (inbox === undefined || inbox !== this.peer) return undefined;
    if (number !== this.#received) throw peerGone('something that it sent was lost on the way');
    this.#received += 1;
    const { data } = message;
    return Buffer.from(data.buffer, data.byteOffset, data.length);
  }
}

/** Who has sent a message, and the how manieth it is. */
export function senderOf({ reply }: Msg): { readonly inbox: string | undefined; readonly number: number } {
  const end = reply?.lastIndexOf('.') ?? -1;
  if (reply === undefined || end <= 0) return { inbox: undefined, number: -1 };
  const number = Number(reply.slice(end + 1));
  return { inbox: reply.slice(0, end), number: Number.isInteger(number) ? number : -1 };
}

/** Whether NATS says that nobody listens where something was sent to. */
export function isUnanswered({ headers, data }: Msg): boolean {
  return data.length === 0 && headers?.code === NO_RESPONDERS;
}

/** The error of a link whose other end cannot be reached any more. */
export function peerGone(why: string): IoliteError {
  return new IoliteError('ERR_IOLITE_PEER', `The peer is gone: ${why}`);
}
