import { NEWLINE } from '../../../base/ascii.ts';
import type { Block } from '../input.ts';
import type { Output } from '../plain-output.ts';
import { countLines } from '../quads.ts';
import type { Matcher } from './matcher.ts';
import { WholeLines } from './whole-lines.ts';

/** What is shown of the selected lines. */
export interface Display {
  readonly what: 'lines' | 'counts' | 'names' | 'others' | 'nothing';
  readonly numbers: boolean;
  /** Select the lines that do not match. */
  readonly inverted: boolean;
  /** Selected lines after which a file is done with. */
  readonly maxLines: number;
}

const END = Buffer.of(NEWLINE);
/** Selected lines in a row of this many bytes are passed on by reference; fewer cost less to copy. */
const SHARE_BYTES = 16 * 1024;

/** Searches one input, which comes in blocks cut anywhere, and puts what is to be shown. */
export class Search {
  readonly #matcher: Matcher;
  readonly #display: Display;
  readonly #output: Output;
  readonly #prefix: string;
  readonly #lines = new WholeLines(NEWLINE, (lines, share) => this.#search(lines, share));
  #count = 0;
  #done = false;
  /** Whole lines that are being searched, where they can be shared from, and the number of the first. */
  #region: Buffer = Buffer.alloc(0);
  #share: Block['share'];
  #line = 1;
  /** `line` is the number of the line that begins here. */
  #numbered = 0;
  /** Where the region begins in the input, and the last selected line ends, while lines are counted. */
  #regionAt = 0;
  #taken = 0;
  /** Selected lines in a row that are not shown yet. */
  #runStart = 0;
  #runEnd = 0;

  /** @param prefix of each line */
  constructor(matcher: Matcher, display: Display, output: Output, prefix: string) {
    this.#matcher = matcher;
    this.#display = display;
    this.#output = output;
    this.#prefix = prefix;
  }

  /** Whether the rest of the input makes no difference. */
  get done(): boolean {
    return this.#done;
  }

  /** Whether a line was selected. */
  get selected(): boolean {
    return this.#count > 0;
  }

  /** How many lines were selected, where they are counted. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of the input up to the end of the last selected line, where `maxLines` is a number. */
  get taken(): number {
    return this.#taken;
  }

  add(block: Block): void {
    this.#lines.add(block);
  }

  /** The last line may have no newline. */
  endOfInput(): void {
    this.#lines.end();
  }

  #search(region: Buffer, share: Block['share']): void {
    if (this.#done) return;
    this.#region = region;
    this.#share = share;
    this.#numbered = 0;
    this.#runStart = 0;
    this.#runEnd = 0;
    const matcher = this.#matcher;
    matcher.open(region);
    let at = 0;
    while (!this.#done && matcher.find(at)) {
      const { start } = matcher;
      const next = Math.min(matcher.end + 1, region.length);
      if (this.#display.inverted) this.#select(at, start);
      else this.#select(start, next);
      at = next;
    }
    if (this.#display.inverted && !this.#done) this.#select(at, region.length);
    this.#show();
    this.#share = undefined;
    this.#regionAt += region.length;
    if (this.#display.numbers) this.#line += countLines(region.subarray(this.#numbered));
  }

  /** Selects the whole lines between two positions. */
  #select(start: number, end: number): void {
    if (start === end) return;
    const { what, maxLines } = this.#display;
    if (what === 'names' || what === 'others' || what === 'nothing') {
      this.#count = 1;
      this.#done = true;
      return;
    }
    // Lines are counted one by one only where it makes a difference.
    const stop = maxLines === Number.POSITIVE_INFINITY ? end : this.#limit(start, end);
    if (what === 'counts' && maxLines === Number.POSITIVE_INFINITY)
      this.#count += linesIn(this.#region, start, end);
    else if (maxLines === Number.POSITIVE_INFINITY) this.#count = 1;
    if (what === 'counts') return;
    if (start === this.#runEnd) this.#runEnd = stop;
    else {
      this.#show();
      this.#runStart = start;
      this.#runEnd = stop;
    }
  }

  /** Counts lines up to the most wanted. @returns where they end */
  #limit(start: number, end: number): number {
    let at = start;
    while (at < end && this.#count < this.#display.maxLines) {
      const newline = this.#region.indexOf(NEWLINE, at);
      at = newline === -1 ? end : newline + 1;
      this.#count += 1;
    }
    this.#done = this.#count >= this.#display.maxLines;
    this.#taken = this.#regionAt + at;
    return at;
  }

  /** Puts the lines of the run. */
  #show(): void {
    const start = this.#runStart;
    const end = this.#runEnd;
    this.#runStart = end;
    if (start === end) return;
    if (this.#prefix !== '' || this.#display.numbers) this.#showOneByOne(start, end);
    else if (this.#share !== undefined && end - start >= SHARE_BYTES)
      this.#output.pass(this.#share(start, end));
    else this.#output.put(this.#region.subarray(start, end));
    if (this.#region[end - 1] !== NEWLINE) this.#output.put(END);
  }

  #showOneByOne(start: number, end: number): void {
    const { numbers } = this.#display;
    if (numbers) this.#line += countLines(this.#region.subarray(this.#numbered, start));
    for (let at = start; at < end; ) {
      const newline = this.#region.indexOf(NEWLINE, at);
      const next = newline === -1 ? end : newline + 1;
      this.#output.put(Buffer.from(numbers ? `${this.#prefix}${this.#line}:` : this.#prefix));
      this.#output.put(this.#region.subarray(at, next));
      this.#line += 1;
      at = next;
    }
    this.#numbered = end;
  }
}

/** Lines between two positions; the last may have no newline. */
function linesIn(region: Buffer, start: number, end: number): number {
  return countLines(region.subarray(start, end)) + (region[end - 1] === NEWLINE ? 0 : 1);
}
