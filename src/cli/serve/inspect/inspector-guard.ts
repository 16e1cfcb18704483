import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { OwnNames } from '../observe/own-names.ts';

/** Bytes of a token that we make. */
const TOKEN_BYTES = 24;

/** A token that nobody can guess. */
export function newInspectorToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/** Who may look: those with the token, if there is one, and those who came by a name of ours. */
export class InspectorGuard {
  readonly #token: Buffer | undefined;
  readonly #names: OwnNames | undefined;

  /**
   * @param token undefined: none is wanted
   * @param names that the Host field may have. Undefined: any, for whoever has the token
   */
  constructor(token: string | undefined, names: OwnNames | undefined) {
    this.#token = token === undefined ? undefined : digestOf(token);
    this.#names = names;
  }

  get wantsToken(): boolean {
    return this.#token !== undefined;
  }

  /** Whether a Host field names us. */
  admitsHost(host: string | undefined): boolean {
    return this.#names === undefined || this.#names.admits(host);
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
