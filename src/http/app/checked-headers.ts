import { broken } from '../../ipc/wire.ts';
import type { IoliteError } from '../../os/error.ts';
import type { HeaderList } from '../exchange.ts';

/** token (RFC 9110, 5.6.2). */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** field-value, obs-text included (RFC 9110, 5.5): as latin1, and without what could end the line. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const CONTENT_LENGTH = 'content-length';
const LENGTH = /^\d{1,15}$/;

const OF_THE_SERVER = /^(?:connection|keep-alive|transfer-encoding|upgrade|proxy-connection|date)$/i;

/** A list of fields that was found good. */
export interface Checked {
  readonly headers: HeaderList;
  /** What Content-Length says. */
  readonly contentLength: number | undefined;
}

const MOST_REMEMBERED = 256;
const LONGEST_REMEMBERED = 2048;

/** The field lists of an application, checked; a list that came before is given as the very same object again. */
export class CheckedHeaders {
  /** Lists that were found good, by their text. */
  readonly #known = new Map<string, Checked>();

  /**
   * @returns the list, or the same one of an earlier answer, of which the sender may have the bytes
   * @throws ERR_IOLITE_PROTOCOL when an answer with it could be taken for something else than it is
   */
  check(headers: HeaderList): Checked {
    const text = headers.join('\n');
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    let contentLength: number | undefined;
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string;
      const value = headers[i + 1] as string;
      if (!NAME.test(name) || OF_THE_SERVER.test(name) || !VALUE.test(value)) throw forbidden(name);
      if (name.length !== CONTENT_LENGTH.length || name.toLowerCase() !== CONTENT_LENGTH) continue;
      if (contentLength !== undefined || !LENGTH.test(value)) throw forbidden(name);
      contentLength = Number(value);
    }
    const checked = { headers, contentLength };
    if (text.length <= LONGEST_REMEMBERED) {
      if (this.#known.size >= MOST_REMEMBERED) this.#known.clear();
      this.#known.set(text, checked);
    }
    return checked;
  }
}

function forbidden(name: string): IoliteError {
  return broken(`it answered with a header that it may not: ${JSON.stringify(name.slice(0, 40))}`);
}
