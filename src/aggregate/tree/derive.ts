import type { Hash } from 'node:crypto';
import { builtins } from '../../base/builtins.ts';
import type { ContentRange } from '../../memory/chunk.ts';
import { combineCrc32, crc32 } from './crc32.ts';
import { factBytes, isAlgorithm } from './digest.ts';
import { isWritten, writeDown } from './facts.ts';
import { countBytes, countNewlines, NEWLINES } from './newlines.ts';

/** What is derived before others have a turn of the event loop: in a third of a millisecond. */
const STEP_BYTES = 512 * 1024;
/** Facts that wait to be derived: others are not. */
const MAX_WAITING_FACTS = 64;

/** A fact that is being derived of content of ours, as others asked for it. */
class Derivation {
  readonly name: string;
  readonly ranges: readonly ContentRange[];
  readonly #hash: Hash | undefined;
  /** Of crc32 and newlines. */
  #sum = 0;
  #range = 0;
  #at = 0;

  constructor(name: string, ranges: readonly ContentRange[]) {
    this.name = name;
    this.ranges = ranges;
    this.#hash = name === 'crc32' || name === NEWLINES ? undefined : builtins.crypto.createHash(name);
  }

  /** @returns whether all is done */
  step(): boolean {
    const range = this.ranges[this.#range];
    if (range === undefined) return true;
    const from = range.start + this.#at;
    const piece = range.chunk.bytes.subarray(from, Math.min(range.end, from + STEP_BYTES));
    if (this.#hash !== undefined) this.#hash.update(piece);
    else if (this.name === 'crc32') this.#sum = combineCrc32(this.#sum, crc32(piece), piece.length);
    else this.#sum += countNewlines(piece);
    this.#at += piece.length;
    if (from + piece.length < range.end) return false;
    this.#at = 0;
    this.#range += 1;
    return this.#range === this.ranges.length;
  }

  get fact(): Buffer {
    if (this.#hash !== undefined) return this.#hash.digest();
    return this.name === 'crc32' ? factBytes(this.#sum) : countBytes(this.#sum);
  }
}

const waiting: Derivation[] = [];

/**
 * Derives a fact of content of ours in the background, a step of half a MiB a turn of the event loop, and
 * writes it down for all: if it can be derived, is not written down already, and not too many wait. If the
 * content leaves meanwhile nothing is written: its chunk is at another generation then.
 * @param ranges of chunks of ours, of content that is complete
 */
export function deriveLater(name: string, ranges: readonly ContentRange[]): void {
  const isSum = name === 'crc32' || name === NEWLINES;
  if (isSum ? ranges.length !== 1 : !isAlgorithm(name)) return;
  if (waiting.length >= MAX_WAITING_FACTS || isWritten(name, ranges)) return;
  waiting.push(new Derivation(name, ranges));
  if (waiting.length === 1) setImmediate(step).unref();
}

function step(): void {
  const [first] = waiting;
  if (first === undefined) return;
  if (first.step()) {
    waiting.shift();
    writeDown(first.name, first.ranges, first.fact);
  }
  if (waiting.length > 0) setImmediate(step).unref();
}
