import { NEWLINE, RETURN, TAB } from '../../base/ascii.ts';

/** Characters that take no room of their own: marks, what formats, what is no character. */
const NARROWEST = /[\p{Mn}\p{Me}\p{Cc}\p{Cf}\p{Cn}\p{Cs}\u1160-\u11ff\u2028\u2029\ufffd]/u;
/** Characters that take two columns: those of East Asia, and emoji but for the letters of flags. */
const WIDE = new RegExp(
  [
    '(?![\\u303f\\u4dc0-\\u4dff\\u{1f1e6}-\\u{1f1ff}])',
    '[\\u1100-\\u115f\\u2e80-\\ua4cf\\ua960-\\ua97c\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe10-\\ufe19',
    '\\ufe30-\\ufe6b\\uff01-\\uff60\\uffe0-\\uffe6\\p{Emoji_Presentation}',
    '\\u{16fe0}-\\u{18cff}\\u{1aff0}-\\u{1b2ff}\\u{20000}-\\u{3fffd}]',
  ].join(''),
  'u',
);
const TAB_COLUMNS = 8;
const FORM_FEED = 0x0c;
/** A soft hyphen is shown. */
const SOFT_HYPHEN = 0xad;

/**
 * The columns that the widest line of a stream of UTF-8 takes on a terminal, as wc -L counts them: a tab goes
 * on to the next multiple of eight; a carriage return or form feed begins anew. Bytes that are no UTF-8 take
 * none.
 */
export class LineWidth {
  readonly #decoder = new TextDecoder();
  #column = 0;
  #longest = 0;

  add(bytes: Uint8Array): void {
    this.#addText(this.#decoder.decode(bytes, { stream: true }));
  }

  /** Columns of the widest line so far. */
  get columns(): number {
    return Math.max(this.#longest, this.#column);
  }

  #addText(text: string): void {
    for (let at = 0; at < text.length; at++) {
      const code = text.codePointAt(at) as number;
      if (code >= 32 && code < 127) this.#column += 1;
      else if (code === NEWLINE || code === RETURN || code === FORM_FEED) this.#endLine();
      else if (code === TAB) this.#column += TAB_COLUMNS - (this.#column % TAB_COLUMNS);
      else if (code > 127) {
        this.#column += widthOf(code);
        if (code > 0xffff) at += 1;
      }
    }
  }

  #endLine(): void {
    this.#longest = this.columns;
    this.#column = 0;
  }
}

function widthOf(code: number): number {
  const character = String.fromCodePoint(code);
  if (NARROWEST.test(character) && code !== SOFT_HYPHEN) return 0;
  return WIDE.test(character) ? 2 : 1;
}
