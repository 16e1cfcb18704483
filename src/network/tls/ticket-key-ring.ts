import { randomBytes } from 'node:crypto';
import { ArgumentError } from '../../base/error.ts';
import { TICKET_KEY_BYTES } from './secure-settings.ts';

/** How long a key enciphers. */
const TURN_MS = 3600_000;
/** How many keys that have had their turn are kept: tickets are good for two hours. */
const PAST_KEYS = 2;

/**
 * Keys of session tickets that take turns, so that who gets hold of one can read little: a new one every
 * hour, and those before it for as long as tickets are good. The next one is there an hour before its turn:
 * whoever is told of the turn late knows already what others encipher with.
 *
 *     [ current, next, the one before, the one before that ]
 */
export class TicketKeyRing implements Disposable {
  #current = newKey();
  #next = newKey();
  #past: readonly string[] = [];
  readonly #timer: NodeJS.Timeout;

  /** @param turned told of the keys whenever they have changed */
  constructor(turned: (keys: readonly string[]) => void) {
    this.#timer = setInterval(() => {
      this.turn();
      turned(this.keys);
    }, TURN_MS).unref();
  }

  /** The first enciphers, all decipher. In base64. */
  get keys(): readonly string[] {
    return [this.#current, this.#next, ...this.#past];
  }

  /** The next key has its turn. */
  turn(): void {
    this.#past = [this.#current, ...this.#past].slice(0, PAST_KEYS);
    this.#current = this.#next;
    this.#next = newKey();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/**
 * Keys as a file has them, one behind the other.
 * @throws ERR_IOLITE_ARGUMENT when they have another length
 */
export function ticketKeysIn(bytes: Uint8Array): string[] {
  if (bytes.length === 0 || bytes.length % TICKET_KEY_BYTES !== 0) {
    throw new ArgumentError(
      `Cannot use ticket keys: ${TICKET_KEY_BYTES} bytes for each are wanted, ${bytes.length} were given`,
    );
  }
  return Array.from({ length: bytes.length / TICKET_KEY_BYTES }, (_, index) => {
    const start = index * TICKET_KEY_BYTES;
    return Buffer.from(bytes.subarray(start, start + TICKET_KEY_BYTES)).toString('base64');
  });
}

function newKey(): string {
  return randomBytes(TICKET_KEY_BYTES).toString('base64');
}
