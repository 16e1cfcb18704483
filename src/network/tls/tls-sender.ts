import { Aggregate } from '../../aggregate/aggregate.ts';
import { boundUnsent } from '../../os/gather.ts';
import { SEND_STEP_BYTES } from '../byte-link.ts';
import { closedEarly } from '../send-errors.ts';
import { releaseSendParts } from '../send-parts.ts';
import { LARGE_BODY_BYTES, type PendingSend, SLOW_READER_MS } from '../socket-sender.ts';
import type { TlsLink } from './tls-link.ts';

/**
 * Encrypted bytes that wait in a TCP socket unsent, at most: what is encrypted is a copy of this connection's
 * own. Of readers that are slow or not known, of those that keep up.
 */
const SLOW_UNSENT_BYTES = 32 * 1024;
const FAST_UNSENT_BYTES = 1024 ** 2;
/** A record: what one step of sending to the slow may leave waiting. */
const SLOW_STEP_BYTES = 16 * 1024;
/** Bytes sent in one turn of the event loop: others wait meanwhile. */
const TURN_BYTES = 1024 ** 2;

/**
 * Aggregates, and bytes around them, on their way through a connection of TLS: encrypted straight from where
 * they lie, a step at a time, and no further than the kernel takes them. What waits is referred to, but for
 * the one step that was encrypted.
 */
export class TlsSender {
  readonly #link: TlsLink;
  readonly #pending: PendingSend;
  readonly #pieces: Buffer[] = [];
  readonly #isLarge: boolean;
  #piece = 0;
  #offset = 0;
  #taken = 0;
  #isFast: boolean;
  #isBounded = false;
  #waitsSince = 0;
  #keptUp: boolean | undefined;
  #over = false;

  constructor(link: TlsLink, pending: PendingSend) {
    this.#link = link;
    this.#pending = pending;
    this.#isFast = pending.isFast === true;
    let length = 0;
    for (const part of pending.parts) {
      length += part.length;
      if (!Aggregate.isAggregate(part)) this.#pieces.push(part);
      else for (const view of part.memory()) this.#pieces.push(view);
    }
    this.#isLarge = length > LARGE_BODY_BYTES;
    this.#advance(pending.skip ?? 0);
  }

  /** Sends as far as the kernel takes it. Call it once, then {@link drained} whenever the link is. */
  start(): void {
    if (this.#link.hasUnsent) this.#waitsSince = performance.now();
    else this.#go();
  }

  /** How many bytes were encrypted. */
  get taken(): number {
    return this.#taken;
  }

  /** Whether the reader was fast when it was last waited for; undefined when it was not. */
  get keptUp(): boolean | undefined {
    return this.#keptUp;
  }

  /** The kernel has taken what waited. */
  drained(): void {
    if (this.#over) return;
    const isFast = performance.now() - this.#waitsSince <= SLOW_READER_MS;
    if (isFast !== this.#isFast) this.#isBounded = false;
    this.#keptUp = isFast;
    this.#isFast = isFast;
    this.#go();
  }

  /** The connection is gone. */
  lost(): void {
    if (this.#over) return;
    this.#over = true;
    this.#release();
    this.#pending.failed(closedEarly());
  }

  readonly #go = (): void => {
    if (this.#over) return;
    let left = TURN_BYTES;
    this.#bound();
    while (this.#piece < this.#pieces.length) {
      if (left <= 0) {
        setImmediate(this.#go);
        return;
      }
      const most = this.#isFast ? SEND_STEP_BYTES : SLOW_STEP_BYTES;
      const count = this.#link.encrypt(this.#pieces, this.#piece, this.#offset, most);
      if (count === 0) {
        this.lost();
        return;
      }
      this.#advance(count);
      left -= count;
      if (this.#link.hasUnsent) {
        this.#waitsSince = performance.now();
        return;
      }
    }
    this.#over = true;
    this.#release();
    this.#pending.sent();
  };

  #bound(): void {
    if (!this.#isLarge || this.#isBounded) return;
    this.#isBounded = true;
    boundUnsent(this.#link.fd, this.#isFast ? FAST_UNSENT_BYTES : SLOW_UNSENT_BYTES);
  }

  #advance(count: number): void {
    this.#taken += count;
    this.#offset += count;
    for (let piece = this.#pieces[this.#piece]; piece !== undefined; piece = this.#pieces[this.#piece]) {
      if (this.#offset < piece.length) return;
      this.#offset -= piece.length;
      this.#piece += 1;
    }
  }

  #release(): void {
    releaseSendParts(this.#pending.parts);
  }
}
