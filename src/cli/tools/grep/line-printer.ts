import type { Output } from '../plain-output.ts';
import { type Colors, colored, colorStart } from './colors.ts';
import type { LongestMatch } from './longest-match.ts';
import { foldCase } from './matcher.ts';

/** What a line is shown with. */
export interface LineLayout {
  readonly numbers: boolean;
  /** Bytes of the input before the line, or before the match. */
  readonly offsets: boolean;
  /** Matches only, one a line. */
  readonly onlyMatches: boolean;
  /** Lines were selected that do not match. */
  readonly inverted: boolean;
  /** A byte 0 behind the name of a file, in place of a separator. */
  readonly zeroNames: boolean;
  /** Undefined for none. */
  readonly colors: Colors | undefined;
  /** Between lines that are no neighbours; undefined for nothing. */
  readonly groupSeparator: string | undefined;
  /** The byte that ends a line. */
  readonly lineEnd: number;
}

/** A line, with or without what ends it, and where it is in its input. */
export interface Line {
  readonly bytes: Buffer;
  readonly number: number;
  readonly offset: number;
}

/**
 * Puts lines one by one, as grep shows them: with names, numbers, offsets, colors, or their matches alone.
 */
export class LinePrinter {
  readonly #layout: LineLayout;
  readonly #output: Output;
  readonly #match: LongestMatch;
  readonly #folds: boolean;
  #name: string | undefined;
  #hasPut = false;

  /** @param folds as in `matcherOf` */
  constructor(layout: LineLayout, output: Output, match: LongestMatch, folds: boolean) {
    this.#layout = layout;
    this.#output = output;
    this.#match = match;
    this.#folds = folds;
  }

  /** What follows is of another input. @param name that is shown with it */
  begin(name: string | undefined): void {
    this.#name = name;
  }

  selected(line: Line): void {
    this.#put(line, true);
  }

  context(line: Line): void {
    this.#put(line, false);
  }

  /** What follows is no neighbour of what was put. */
  separate(): void {
    const { groupSeparator, colors } = this.#layout;
    if (!this.#hasPut || groupSeparator === undefined) return;
    this.#text(
      `${colors === undefined ? groupSeparator : colored(groupSeparator, colors.separator, colors)}\n`,
    );
  }

  #put(line: Line, isSelected: boolean): void {
    this.#hasPut = true;
    const { colors, inverted, onlyMatches } = this.#layout;
    const matches = isSelected !== inverted;
    if (onlyMatches) {
      if (matches) this.#putMatches(line);
      return;
    }
    this.#text(this.#head(line, isSelected ? ':' : '-'));
    if (colors === undefined) this.#putBytes(line.bytes);
    else this.#putColored(line, colors, isSelected, matches);
  }

  #putMatches(line: Line): void {
    const { colors, inverted, lineEnd } = this.#layout;
    const text = this.#textOf(line);
    const color = inverted ? colors?.contextMatch : colors?.selectedMatch;
    for (const [start, end] of this.#matchesOf(text)) {
      this.#text(this.#head({ ...line, offset: line.offset + start }, inverted ? '-' : ':'));
      const found = text.slice(start, end);
      this.#latin1(colors === undefined ? found : colored(found, color ?? '', colors));
      this.#latin1(String.fromCharCode(lineEnd));
    }
  }

  #putColored(line: Line, colors: Colors, isSelected: boolean, matches: boolean): void {
    const text = this.#textOf(line);
    const swaps = this.#layout.inverted && colors.swaps;
    const lineColor = isSelected !== swaps ? colors.selectedLine : colors.contextLine;
    const matchColor = isSelected ? colors.selectedMatch : colors.contextMatch;
    let shown = '';
    let at = 0;
    for (const [start, end] of matches && matchColor !== '' ? this.#matchesOf(text) : []) {
      // The color of the match follows that of the line, which nothing ends.
      shown += colorStart(lineColor, colors) + text.slice(at, start);
      shown += colored(text.slice(start, end), matchColor, colors);
      at = end;
    }
    // A carriage return at the end would take the cursor to where colors begin.
    const tail = text.endsWith('\r') && lineColor !== '' ? text.length - 1 : text.length;
    if (tail > at) shown += colored(text.slice(at, tail), lineColor, colors);
    shown += text.slice(Math.max(at, tail));
    this.#latin1(shown + String.fromCharCode(this.#layout.lineEnd));
  }

  /** All matches of a line that are not empty. */
  *#matchesOf(text: string): Generator<readonly [number, number]> {
    const match = this.#match;
    const searched = this.#folds ? foldCase(text) : text;
    for (let at = 0; at < text.length && match.find(searched, at); ) {
      const { start, end } = match;
      if (end > start) yield [start, end];
      at = Math.max(end, start + 1);
    }
  }

  #head({ number, offset }: Line, separator: string): string {
    const { numbers, offsets, zeroNames, colors } = this.#layout;
    const name = this.#name;
    if (colors === undefined) {
      const named = name === undefined ? '' : name + (zeroNames ? '\0' : separator);
      return `${named}${numbers ? `${number}${separator}` : ''}${offsets ? `${offset}${separator}` : ''}`;
    }
    const behind = colored(separator, colors.separator, colors);
    const named = name === undefined ? '' : colored(name, colors.name, colors) + (zeroNames ? '\0' : behind);
    const numbered = numbers ? colored(String(number), colors.number, colors) + behind : '';
    return named + numbered + (offsets ? colored(String(offset), colors.offset, colors) + behind : '');
  }

  /** The line without what ends it. */
  #textOf({ bytes }: Line): string {
    const isEnded = bytes[bytes.length - 1] === this.#layout.lineEnd;
    return bytes.toString('latin1', 0, bytes.length - (isEnded ? 1 : 0));
  }

  #putBytes(bytes: Buffer): void {
    this.#output.put(bytes);
    const { lineEnd } = this.#layout;
    if (bytes[bytes.length - 1] !== lineEnd) this.#output.put(Buffer.of(lineEnd));
  }

  #text(text: string): void {
    if (text !== '') this.#output.put(Buffer.from(text));
  }

  #latin1(text: string): void {
    this.#output.put(Buffer.from(text, 'latin1'));
  }
}
