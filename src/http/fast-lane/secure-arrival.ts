import type { Socket } from 'node:net';
import type { ByteLinkHost } from '../../network/byte-link.ts';
import type { TlsGreeter, TlsHouse } from '../../network/tls/tls-house.ts';
import { TlsLink } from '../../network/tls/tls-link.ts';
import type { BareConnection } from '../../os/node-socket.ts';
import { sendNow } from '../../os/socket.ts';
import type { LaneLimits, LaneMember } from './lane-host.ts';
import { MAX_PLAIN_BYTES, redirectToHttps } from './redirect-to-https.ts';

/** Where connections over TLS come in. */
export interface ArrivalHost extends TlsHouse {
  /** Counts seconds. */
  readonly clock: number;
  /** Its handshake is done. @returns who has it from now on */
  arrived(link: TlsLink, arrival: SecureArrival): ByteLinkHost;
  /** It is gone before that. */
  ended(arrival: LaneMember): void;
}

/**
 * A connection over TLS until its handshake is done, which has to be within the time for the first request's
 * head. A client that speaks plain HTTP is sent to HTTPS.
 */
export class SecureArrival implements LaneMember, TlsGreeter {
  readonly #host: ArrivalHost;
  readonly #link: TlsLink;
  readonly #since: number;
  /** Of a client that speaks no TLS: what it has said, until that is answered. */
  #said: Buffer | undefined;
  #isAnswered = false;
  #isOver = false;

  constructor(host: ArrivalHost, connection: BareConnection, socket?: Socket) {
    this.#host = host;
    this.#since = host.clock;
    this.#link = new TlsLink(host, connection, this, socket);
  }

  /** @returns whether it is one still */
  start(): boolean {
    return this.#link.start() && !this.#isOver;
  }

  check({ head }: LaneLimits): void {
    if (this.#host.clock - this.#since > head) this.failed();
  }

  /** A handshake under way takes as long as it takes: what is asked behind it is answered. */
  finish(): void {
    if (!this.#link.hasBegun) this.failed();
  }

  destroy(): void {
    this.failed();
  }

  secured(): ByteLinkHost {
    this.#isOver = true;
    return this.#host.arrived(this.#link, this);
  }

  unsecured(bytes: Buffer): boolean {
    // What comes behind the answer is dropped, so that it is not lost by a reset.
    if (this.#isAnswered) return true;
    this.#said = this.#said === undefined ? Buffer.from(bytes) : Buffer.concat([this.#said, bytes]);
    const answer = redirectToHttps(this.#said);
    if (answer === undefined && this.#said.length < MAX_PLAIN_BYTES) return true;
    this.#said = undefined;
    this.#isAnswered = true;
    if (answer === undefined) {
      this.failed();
      return false;
    }
    sendNow(this.#link.fd, answer);
    this.#link.end();
    return true;
  }

  failed(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Harmless where it is closed.
    this.#link.close();
    this.#host.ended(this);
  }
}
