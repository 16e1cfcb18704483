import { NEWLINE } from '../../../base/ascii.ts';
import type { Block } from '../input.ts';
import { countLines } from '../quads.ts';
import type { LinePrinter } from './line-printer.ts';
import type { Matcher } from './matcher.ts';
import type { Display } from './search.ts';
import { WholeLines } from './whole-lines.ts';

/** Lines shown around those that are selected. */
export interface Context {
  readonly before: number;
  readonly after: number;
}

/**
 * Searches one input as `Search` does, line by line: for whoever wants more of a line than its bytes, or
 * other lines with it. Lines may end in any byte.
 */
export class LineSearch {
  readonly #matcher: Matcher;
  readonly #display: Display;
  readonly #printer: LinePrinter;
  readonly #context: Context;
  readonly #lineEnd: number;
  readonly #lines: WholeLines;
  #count = 0;
  #taken = 0;
  #done = false;
  /** Context that is still to be shown behind the last selected line. */
  #pending = 0;
  /** Whole lines that are being searched, and where they begin in the input. */
  #region: Buffer = Buffer.alloc(0);
  #regionAt = 0;
  /** The number of the line that begins at `numbered`. */
  #line = 1;
  #numbered = 0;
  /** Where the last line that was shown ends in the input. */
  #shownEnd = -1;
  /** The lines before the region that may be context of one in it. */
  #kept: Buffer[] = [];

  constructor(matcher: Matcher, display: Display, printer: LinePrinter, context: Context, lineEnd: number) {
    this.#matcher = matcher;
    this.#display = display;
    this.#printer = printer;
    this.#context = context;
    this.#lineEnd = lineEnd;
    this.#lines = new WholeLines(lineEnd, lines => this.#search(lines));
  }

  /** Whether the rest of the input makes no difference. */
  get done(): boolean {
    return this.#done;
  }

  /** Whether a line was selected. */
  get selected(): boolean {
    return this.#count > 0;
  }

  /** How many lines were selected. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of the input up to the end of the last selected line. */
  get taken(): number {
    return this.#taken;
  }

  add(block: Pick<Block, 'bytes'>): void {
    this.#lines.add(block);
  }

  /** The last line may not be ended. */
  endOfInput(): void {
    this.#lines.end();
  }

  #search(region: Buffer): void {
    if (this.#done) return;
    const { inverted } = this.#display;
    const matcher = this.#matcher;
    this.#region = region;
    matcher.open(region);
    for (let at = 0; at < region.length && !this.#done; ) {
      const isFound = !this.#isFull && matcher.find(at);
      const start = isFound ? matcher.start : region.length;
      const next = isFound ? Math.min(matcher.end + 1, region.length) : region.length;
      if (inverted && !this.#isFull) {
        this.#selectAll(at, start);
        this.#pass(start, next);
      } else {
        this.#pass(at, start);
        this.#selectAll(start, next);
      }
      at = next;
    }
    this.#keep();
    if (this.#numbers) this.#numberAt(region.length);
    this.#numbered = 0;
    this.#regionAt += region.length;
  }

  /** Whether no more lines are selected: of the rest only context may be shown. */
  get #isFull(): boolean {
    return this.#count >= this.#display.maxLines;
  }

  get #numbers(): boolean {
    return this.#display.numbers && this.#display.what === 'lines';
  }

  /** Selects the lines between two positions, as far as they are wanted. */
  #selectAll(start: number, end: number): void {
    const { what } = this.#display;
    for (let at = start; at < end && !this.#done; ) {
      if (this.#isFull) {
        this.#pass(at, end);
        return;
      }
      const next = this.#endOfLine(at);
      this.#count += 1;
      this.#taken = this.#regionAt + next;
      if (what === 'lines') this.#show(at, next);
      else if (what !== 'counts' || this.#isFull) this.#done = true;
      if (this.#isFull && this.#pending === 0) this.#done = true;
      at = next;
    }
  }

  /** The lines between two positions are not selected: the first may be context of what is before them. */
  #pass(start: number, end: number): void {
    let at = start;
    for (; this.#pending > 0 && at < end; this.#pending--) {
      const next = this.#endOfLine(at);
      this.#printer.context(this.#lineOf(at, next));
      this.#shownEnd = this.#regionAt + next;
      at = next;
    }
    if (this.#isFull && this.#pending === 0) this.#done = true;
  }

  /** Shows a selected line, behind its context. */
  #show(start: number, end: number): void {
    const { before, after } = this.#context;
    const first = this.#back(start, before);
    const isAtBegin = first.at === 0 && this.#shownEnd < this.#regionAt;
    const kept = isAtBegin ? this.#kept.slice(Math.max(0, this.#kept.length - first.missing)) : [];
    const keptBytes = kept.reduce((sum, line) => sum + line.length, 0);
    let offset = this.#regionAt + first.at - keptBytes;
    if (offset !== this.#shownEnd) this.#printer.separate();
    for (const [index, bytes] of kept.entries()) {
      const number = this.#numbers ? this.#numberAt(0) - kept.length + index : 0;
      this.#printer.context({ bytes, number, offset });
      offset += bytes.length;
    }
    for (let at = first.at; at < start; ) {
      const next = this.#endOfLine(at);
      this.#printer.context(this.#lineOf(at, next));
      at = next;
    }
    this.#printer.selected(this.#lineOf(start, end));
    this.#shownEnd = this.#regionAt + end;
    this.#pending = after;
  }

  /** Goes back some lines, but not to what was shown, and says how many it could not. */
  #back(from: number, lines: number): { at: number; missing: number } {
    const least = Math.max(0, this.#shownEnd - this.#regionAt);
    let at = from;
    let missing = lines;
    for (; missing > 0 && at > least; missing--) {
      at = at < 2 ? 0 : this.#region.lastIndexOf(this.#lineEnd, at - 2) + 1;
    }
    return { at, missing };
  }

  /** Keeps what may be context of a line in the next region. */
  #keep(): void {
    const { before } = this.#context;
    if (before === 0 || this.#done) return;
    const { at: first, missing } = this.#back(this.#region.length, before);
    const isAtBegin = first === 0 && this.#shownEnd < this.#regionAt;
    const kept = isAtBegin ? this.#kept.slice(Math.max(0, this.#kept.length - missing)) : [];
    for (let at = first; at < this.#region.length; ) {
      const next = this.#endOfLine(at);
      kept.push(Buffer.from(this.#region.subarray(at, next)));
      at = next;
    }
    this.#kept = kept;
  }

  #endOfLine(at: number): number {
    const end = this.#region.indexOf(this.#lineEnd, at);
    return end === -1 ? this.#region.length : end + 1;
  }

  #lineOf(start: number, end: number) {
    return {
      bytes: this.#region.subarray(start, end),
      number: this.#numbers ? this.#numberAt(start) : 0,
      offset: this.#regionAt + start,
    };
  }

  /** The number of the line that begins at `at`, which is not before the one asked for last. */
  #numberAt(at: number): number {
    const between = this.#region.subarray(this.#numbered, at);
    this.#numbered = at;
    if (this.#lineEnd === NEWLINE) this.#line += countLines(between);
    else for (const byte of between) if (byte === this.#lineEnd) this.#line += 1;
    return this.#line;
  }
}
