import type { Aggregate } from './aggregate.ts';

const NEWLINE = 10;
const RETURN = 13;

/** The line that ends before a newline at `end`, without it and without a carriage return before it. */
export function lineOf(source: Aggregate, start: number, end: number): Aggregate {
  const returned = end > start && source.at(end - 1) === RETURN;
  return source.slice(start, returned ? end - 1 : end);
}

/** The lines of an aggregate that the generator owns, and releases when it ends. */
export function* linesOf(source: Aggregate): Generator<Aggregate, undefined> {
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
