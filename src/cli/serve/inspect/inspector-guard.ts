import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';

/** Bytes of a token that we make. */
const TOKEN_BYTES = 24;

/** A token that nobody can guess. */
export function newInspectorToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/** Whether an address is this machine's own, which no other can reach. */
export function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/i, '');
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}

/** Who may look: those with the token, if there is one, and those who came by a name of ours. */
export class InspectorGuard {
  readonly #token: Buffer | undefined;
  readonly #names: ReadonlySet<string> | undefined;

  /**
   * @param token undefined: none is wanted
   * @param names that the Host field may have besides those of the loopback. Undefined: any, for whoever
   *   has the token
   */
  constructor(token: string | undefined, names: readonly string[] | undefined) {
    this.#token = token === undefined ? undefined : digestOf(token);
    this.#names = names === undefined ? undefined : new Set(names.map(name => name.toLowerCase()));
  }

  get wantsToken(): boolean {
    return this.#token !== undefined;
  }

  /**
   * Whether a Host field names us. A page of another site whose name leads here (DNS rebinding) has that
   * site's name in it.
   */
  admitsHost(host: string | undefined): boolean {
    if (this.#names === undefined) return true;
    const [, bracketed, plain = ''] = /^(?:\[([\da-f:.]+)\]|([^:[\]]+))(?::\d+)?$/i.exec(host ?? '') ?? [];
    const name = (bracketed ?? plain).toLowerCase().replace(/\.$/, '');
    return name === 'localhost' || name.endsWith('.localhost') || isLoopback(name) || this.#names.has(name);
  }

  /** Whether an Authorization field has the token. Takes as long whatever is in it. */
  admitsToken(authorization: string | undefined): boolean {
    if (this.#token === undefined) return true;
    const [, given = ''] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
    return timingSafeEqual(digestOf(given), this.#token);
  }
}

/** Digests have one length, whatever they are of. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
