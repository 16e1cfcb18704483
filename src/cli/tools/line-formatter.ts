import { NEWLINE, RETURN, TAB } from '../../base/ascii.ts';
import type { Output, Room } from './plain-output.ts';

/** How `cat` shows what it copies. */
export interface LineFormat {
  /** Which lines get a number. */
  readonly number: 'none' | 'all' | 'nonblank';
  /** No more than one empty line in a row. */
  readonly squeeze: boolean;
  /** A $ before each newline. */
  readonly ends: boolean;
  /** ^I for a tab. */
  readonly tabs: boolean;
  /** ^ and M- notation for what is neither printable ASCII nor a newline or tab. */
  readonly nonprinting: boolean;
}

const ROOM_BYTES = 64 * 1024;
const SHOWN_RETURN = Buffer.from('^M');
const DOLLAR = Buffer.from('$');
const END = Buffer.of(NEWLINE);
const PLAIN_RETURN = Buffer.of(RETURN);

/** Formats a stream of bytes, cut anywhere, into an output. Lines go on from one file to the next. */
export class LineFormatter {
  readonly #format: LineFormat;
  readonly #output: Output;
  /** What is shown for each byte where that is not the byte itself. */
  readonly #shown: readonly (Buffer | undefined)[];
  readonly #translates: boolean;
  #room: Room | undefined;
  #used = 0;
  #line = 0;
  /** Newlines in a row before this point, counted to 2; 0 also at the start; -1 inside a line. */
  #newlines = 0;
  /** A carriage return that may belong to a line's end, held back. */
  #heldReturn = false;

  constructor(format: LineFormat, output: Output) {
    this.#format = format;
    this.#output = output;
    this.#translates = format.tabs || format.nonprinting;
    this.#shown = Array.from({ length: 256 }, (_, byte) => notationOf(byte, format));
  }

  write(bytes: Buffer): void {
    for (let start = 0; start < bytes.length; ) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline === -1 ? bytes.length : newline;
      if (end > start) this.#text(bytes, start, end);
      if (newline !== -1) this.#endLine();
      start = end + 1;
    }
    this.#commit();
  }

  /** Nothing follows. */
  end(): void {
    this.#releaseReturn();
    this.#commit();
  }

  /** Bytes of one line. */
  #text(bytes: Buffer, start: number, end: number): void {
    this.#releaseReturn();
    if (this.#newlines >= 0 && this.#format.number !== 'none') this.#number();
    this.#newlines = -1;
    // "\r\n" shows as "^M$": whether a newline follows is not known yet.
    const holds = this.#format.ends && !this.#format.nonprinting && bytes[end - 1] === RETURN;
    this.#heldReturn = holds;
    const last = holds ? end - 1 : end;
    if (this.#translates) this.#translate(bytes, start, last);
    else this.#append(bytes, start, last);
  }

  #endLine(): void {
    this.#newlines = Math.min(2, this.#newlines + 1);
    if (this.#newlines === 2 && this.#format.squeeze) return;
    if (this.#newlines > 0 && this.#format.number === 'all') this.#number();
    if (this.#heldReturn) this.#append(SHOWN_RETURN, 0, 2);
    this.#heldReturn = false;
    if (this.#format.ends) this.#append(DOLLAR, 0, 1);
    this.#append(END, 0, 1);
  }

  #releaseReturn(): void {
    if (this.#heldReturn) this.#append(PLAIN_RETURN, 0, 1);
    this.#heldReturn = false;
  }

  #number(): void {
    this.#line += 1;
    const text = Buffer.from(`${String(this.#line).padStart(6)}\t`, 'latin1');
    this.#append(text, 0, text.length);
  }

  #translate(bytes: Buffer, start: number, end: number): void {
    let plain = start;
    for (let at = start; at < end; at++) {
      const replacement = this.#shown[bytes[at] as number];
      if (replacement === undefined) continue;
      if (at > plain) this.#append(bytes, plain, at);
      this.#append(replacement, 0, replacement.length);
      plain = at + 1;
    }
    if (end > plain) this.#append(bytes, plain, end);
  }

  #append(bytes: Buffer, start: number, end: number): void {
    for (let at = start; at < end; ) {
      if (this.#used === this.#room?.bytes.length) this.#commit();
      this.#room ??= this.#output.allocate(ROOM_BYTES);
      const copied = bytes.copy(this.#room.bytes, this.#used, at, end);
      this.#used += copied;
      at += copied;
    }
  }

  #commit(): void {
    this.#room?.commit(this.#used);
    this.#room = undefined;
    this.#used = 0;
  }
}

function notationOf(byte: number, { tabs, nonprinting }: LineFormat): Buffer | undefined {
  if (byte === TAB) return tabs ? Buffer.from('^I') : undefined;
  if (byte === NEWLINE || !nonprinting || (byte >= 32 && byte < 127)) return undefined;
  const low = byte & 127;
  const name = low < 32 ? `^${String.fromCharCode(low + 64)}` : low === 127 ? '^?' : String.fromCharCode(low);
  return Buffer.from(byte >= 128 ? `M-${name}` : name);
}
