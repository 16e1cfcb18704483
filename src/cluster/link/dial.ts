import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { IoliteError } from '../../base/error.ts';
import type { Link } from './link.ts';
import { isUnanswered, type Payloads, peerGone, senderOf } from './payloads.ts';

/** Who was asked may stand still: then another one is, if there is one. */
const ASK_AGAIN_MS = 1000;
const PATIENCE_MS = 5000;
/** Ends what those are told whose answer came too late, and what NATS says of that. */
const NOT_WANTED = '.late';

/**
 * Asks who listens by a name for a link, again and again, and takes the one who answers first. The others are
 * told that they are not wanted.
 */
export class Dial {
  readonly #connection: NatsConnection;
  readonly #link: Link;
  readonly #payloads: Payloads;
  readonly #subject: string;
  readonly #timer: NodeJS.Timeout;
  #asked = 0;

  constructor(connection: NatsConnection, subject: string, link: Link, payloads: Payloads) {
    this.#connection = connection;
    this.#subject = subject;
    this.#link = link;
    this.#payloads = payloads;
    this.#timer = setInterval(() => this.#ask(), ASK_AGAIN_MS);
    this.#ask();
  }

  /** A message came to the link's inbox. */
  received(message: Msg): void {
    const { peer } = this.#payloads;
    if (message.subject.endsWith(NOT_WANTED)) return;
    if (peer === undefined && isUnanswered(message)) {
      // One who stood still may be gone by now.
      this.end();
      return this.#link.lose(peerGone('nobody listens there'));
    }
    const { inbox } = senderOf(message);
    if (peer === undefined && inbox !== undefined && !isOwn(inbox, this.#payloads)) {
      this.end();
      this.#payloads.peer = inbox;
    } else if (inbox !== undefined && inbox !== peer && !isUnanswered(message)) {
      return this.#turnAway(inbox);
    }
    this.#link.received(message);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #ask(): void {
    if (this.#asked * ASK_AGAIN_MS >= PATIENCE_MS) {
      this.end();
      return this.#link.lose(
        new IoliteError('ERR_IOLITE_TIMEOUT', `Nobody answered within ${PATIENCE_MS} ms`, { mayRetry: true }),
      );
    }
    this.#asked += 1;
    try {
      this.#connection.publish(this.#subject, this.#link.ask, { reply: `${this.#payloads.inbox}.ask` });
    } catch (cause) {
      this.end();
      this.#link.lose(new IoliteError('ERR_IOLITE_PEER', 'The link broke: NATS takes nothing', { cause }));
    }
  }

  #turnAway(inbox: string): void {
    if (isOwn(inbox, this.#payloads)) return;
    // Without a number, which no link takes for the next.
    const reply = `${this.#payloads.inbox}${NOT_WANTED}`;
    this.#connection.publish(`${inbox}.m`, new Uint8Array(0), { reply });
  }
}

function isOwn(inbox: string, payloads: Payloads): boolean {
  return inbox === payloads.inbox;
}
