import { NEWLINE } from '../../../base/ascii.ts';

/** Bytes that are searched as one string: larger strings are slow to make. */
const PIECE_BYTES = 64 * 1024;

/** Finds the lines that match, in bytes that begin where a line does. */
export interface Matcher {
  /** Bounds of the line that was found last, without what ends it. */
  readonly start: number;
  readonly end: number;
  /** The bytes to search from now on. */
  open(region: Buffer): void;
  /**
   * Finds the first matching line that begins at `from` or later; a line begins there. @returns whether there
   * is one
   */
  find(from: number): boolean;
}

/**
 * @param pattern bytes that a line has to contain, or an expression over lines as Latin-1 with the flag g
 * @param folds whether it is tried on lines in lower case (of ASCII): what a back reference refers to is
 *   compared as it is there
 * @param end the byte that ends a line
 */
export function matcherOf(pattern: Buffer | RegExp, folds = false, end = NEWLINE): Matcher {
  if (pattern instanceof RegExp) return new ExpressionMatcher(pattern, folds, end);
  return new TextMatcher(pattern, end);
}

/** The text with the upper-case letters of ASCII in lower case. */
export function foldCase(text: string): string {
  return text.replace(/[A-Z]+/g, letters => letters.toLowerCase());
}

class TextMatcher implements Matcher {
  readonly #text: Buffer;
  readonly #lineEnd: number;
  #region: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;

  constructor(text: Buffer, lineEnd: number) {
    this.#text = text;
    this.#lineEnd = lineEnd;
  }

  open(region: Buffer): void {
    this.#region = region;
  }

  find(from: number): boolean {
    const region = this.#region;
    if (from >= region.length) return false;
    const at = region.indexOf(this.#text, from);
    if (at === -1) return false;
    this.start = at === from ? from : Math.max(from, region.lastIndexOf(this.#lineEnd, at - 1) + 1);
    const newline = region.indexOf(this.#lineEnd, at + this.#text.length);
    this.end = newline === -1 ? region.length : newline;
    return true;
  }
}

class ExpressionMatcher implements Matcher {
  readonly #expression: RegExp;
  readonly #folds: boolean;
  readonly #lineEnd: number;
  #region: Buffer = Buffer.alloc(0);
  /** The piece of the region that `text` is. */
  #text = '';
  #textStart = 0;
  #textEnd = 0;
  start = 0;
  end = 0;

  constructor(expression: RegExp, folds: boolean, lineEnd: number) {
    this.#lineEnd = lineEnd;
    this.#expression = expression;
    this.#folds = folds;
  }

  open(region: Buffer): void {
    this.#region = region;
    this.#text = '';
    this.#textStart = 0;
    this.#textEnd = 0;
  }

  find(from: number): boolean {
    for (let at = from; at < this.#region.length; at = this.#textEnd) {
      if (at >= this.#textEnd) this.#take(at);
      if (this.#findInText(at - this.#textStart)) return true;
    }
    return false;
  }

  /** Makes the lines from `start` on the text, as many as a piece holds and one at least. */
  #take(start: number): void {
    const region = this.#region;
    let end = region.length;
    if (end - start > PIECE_BYTES) {
      const last = region.lastIndexOf(this.#lineEnd, start + PIECE_BYTES - 1);
      const newline = last >= start ? last : region.indexOf(this.#lineEnd, start + PIECE_BYTES);
      if (newline !== -1) end = newline + 1;
    }
    const text = region.toString('latin1', start, end);
    this.#text = this.#folds ? foldCase(text) : text;
    this.#textStart = start;
    this.#textEnd = end;
  }

  #findInText(from: number): boolean {
    const text = this.#text;
    const expression = this.#expression;
    expression.lastIndex = from;
    if (!expression.test(text)) return false;
    const at = expression.lastIndex;
    const lineEnd = String.fromCharCode(this.#lineEnd);
    // Nothing behind the end of the last line is one.
    if (at === text.length && text.endsWith(lineEnd)) return false;
    const newline = text.indexOf(lineEnd, at);
    this.start = this.#textStart + (at === 0 ? 0 : text.lastIndexOf(lineEnd, at - 1) + 1);
    this.end = this.#textStart + (newline === -1 ? text.length : newline);
    return true;
  }
}
