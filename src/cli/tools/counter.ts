import { NEWLINE } from '../../base/ascii.ts';
import { LineWidth } from './line-width.ts';
import { countLines, countWords, inQuads } from './quads.ts';

/** What is to be counted, besides bytes. */
export interface Measures {
  readonly lines: boolean;
  readonly words: boolean;
  readonly chars: boolean;
  /** The columns that the widest line takes. */
  readonly longest?: boolean;
}

/**
 * Counts a stream of bytes that is cut anywhere: lines (newlines), words (runs of bytes that are not one of
 * the six white-space characters of ASCII), characters (valid UTF-8 sequences; other bytes count for none).
 */
export class Counter {
  readonly #measures: Measures;
  lines = 0;
  words = 0;
  bytes = 0;
  /** 1 when the byte before was white space, or there was none. */
  #afterSpace = 1;
  readonly #characters = new CharacterCounter();
  readonly #width = new LineWidth();

  constructor(measures: Measures) {
    this.#measures = measures;
  }

  get chars(): number {
    return this.#characters.count;
  }

  get longest(): number {
    return this.#width.columns;
  }

  add(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    if (this.#measures.longest) this.#width.add(bytes);
    if (this.#measures.chars) this.#characters.add(bytes);
    if (this.#measures.words) this.#addWords(bytes);
    else if (this.#measures.lines) this.lines += countLines(bytes);
  }

  /** Lines and words, by quads as far as alignment and length allow. */
  #addWords(bytes: Uint8Array): void {
    const { head, quads, tail } = inQuads(bytes);
    this.#addBytes(head);
    const { lines, words, afterSpace } = countWords(quads, this.#afterSpace);
    this.lines += lines;
    this.words += words;
    this.#afterSpace = afterSpace;
    this.#addBytes(tail);
  }

  #addBytes(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] as number;
      const space = byte === 32 || (byte >= 9 && byte <= 13) ? 1 : 0;
      this.words += this.#afterSpace & (space ^ 1);
      this.#afterSpace = space;
      if (byte === NEWLINE) this.lines += 1;
    }
  }
}

/** Counts the valid UTF-8 sequences of a stream of bytes (Unicode, table 3-7). */
class CharacterCounter {
  count = 0;
  /** Continuation bytes that the sequence still needs, and the bounds of the next one. */
  #needed = 0;
  #lowest = 0x80;
  #highest = 0xbf;

  add(bytes: Uint8Array): void {
    let { count } = this;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] as number;
      if (this.#needed > 0) {
        if (byte >= this.#lowest && byte <= this.#highest) {
          this.#needed -= 1;
          this.#lowest = 0x80;
          this.#highest = 0xbf;
          if (this.#needed === 0) count += 1;
          continue;
        }
        // The sequence is broken, and this byte may begin another.
        this.#needed = 0;
      }
      if (byte < 0x80) count += 1;
      else this.#begin(byte);
    }
    this.count = count;
  }

  #begin(byte: number): void {
    this.#lowest = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
    this.#highest = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
    if (byte >= 0xc2 && byte <= 0xdf) this.#needed = 1;
    else if (byte >= 0xe0 && byte <= 0xef) this.#needed = 2;
    else if (byte >= 0xf0 && byte <= 0xf4) this.#needed = 3;
  }
}
