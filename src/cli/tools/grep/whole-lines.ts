import type { Block } from '../input.ts';

/** Is given whole lines, and what shares them where they need not be copied. */
type TakeLines = (lines: Buffer, share: Block['share']) => void;

/**
 * Cuts blocks, which end anywhere, at the ends of lines: what is whole in a block is given as it lies there,
 * a line over several is put together.
 */
export class WholeLines {
  readonly #lineEnd: number;
  readonly #take: TakeLines;
  /** The begin of a line whose end is in a later block. */
  #pieces: Buffer[] = [];

  constructor(lineEnd: number, take: TakeLines) {
    this.#lineEnd = lineEnd;
    this.#take = take;
  }

  add({ bytes, share }: Pick<Block, 'bytes' | 'share'>): void {
    let start = 0;
    if (this.#pieces.length > 0) {
      start = bytes.indexOf(this.#lineEnd) + 1;
      this.#pieces.push(Buffer.from(bytes.subarray(0, start === 0 ? bytes.length : start)));
      if (start === 0) return;
      this.end();
    }
    const end = bytes.lastIndexOf(this.#lineEnd) + 1;
    if (end > start) {
      const from = start;
      this.#take(bytes.subarray(start, end), share && ((s, e) => share(from + s, from + e)));
      start = end;
    }
    if (start < bytes.length) this.#pieces.push(Buffer.from(bytes.subarray(start)));
  }

  /** The last line may not be ended. */
  end(): void {
    const [only] = this.#pieces;
    if (only === undefined) return;
    const line = this.#pieces.length === 1 ? only : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#take(line, undefined);
  }
}
