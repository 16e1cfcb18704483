import type { ByteSequence } from './byte-sequence.ts';
import type { DivisibleSequence } from './divisible-sequence.ts';

// Of this module: V8 takes them for the constants that they are, and imported ones not.
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** The line that ends before a newline at `end`, without it and without a carriage return before it. */
export function lineOf<Part extends ByteSequence>(
  source: DivisibleSequence<Part>,
  start: number,
  end: number,
): Part {
  const returned = end > start && source.at(end - 1) === RETURN;
  return source.slice(start, returned ? end - 1 : end);
}

/** The lines of a sequence that the generator owns, and releases when it ends. */
export function* linesOf<Part extends ByteSequence>(
  source: DivisibleSequence<Part>,
): Generator<Part, undefined> {
  try {
    let start = 0;
    for (;;) {
      const end = source.indexOf(NEWLINE, start);
      if (end === -1) break;
      yield lineOf(source, start, end);
      start = end + 1;
    }
    if (start < source.length) yield source.slice(start);
  } finally {
    source.release();
  }
  return undefined;
}
