import { Aggregate } from '../../aggregate/aggregate.ts';
import type { Snapshot } from '../../file/cache/file-cache.ts';
import type { Body } from '../message/body.ts';
import type { ByteRange } from '../message/range.ts';

/** What a file kept by extents is read by. */
const READ_BYTES = 1024 ** 2;

/**
 * The body that is made of a snapshot's ranges and of text between them. Copies none of the file: a file in
 * memory gives slices of the one copy, a file kept by extents an iterable that reads as it is taken.
 * @param snapshot taken over: it is released with the body
 */
export function bodyOf(snapshot: Snapshot, pieces: readonly (string | ByteRange)[]): Body {
  const { content, size } = snapshot;
  if (content === undefined) return new SnapshotReader(snapshot, pieces);
  const [first] = pieces;
  const isWhole = pieces.length === 1 && typeof first === 'object' && first.end - first.start === size;
  if (isWhole) return wholeBodyOf(snapshot);
  const body = assemble(content, pieces);
  snapshot.release();
  return body;
}

/**
 * The body that is all of a snapshot's content, which is in memory.
 * @param snapshot taken over: it is released with the body
 */
export function wholeBodyOf(snapshot: Snapshot): Body {
  const body = snapshot.share() ?? Aggregate.empty();
  snapshot.release();
  return body;
}

/** Text, and parts of the content by reference, one behind the other. */
function assemble(content: Aggregate, pieces: readonly (string | ByteRange)[]): Aggregate {
  const body = new Aggregate();
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      using text = Aggregate.adopt(Buffer.from(piece, 'latin1'));
      body.append(text);
    } else {
      using part = content.slice(piece.start, piece.end);
      body.append(part);
    }
  }
  return body;
}

/** Reads the pieces one after the other. Releases the snapshot at the end, and when it is closed before. */
class SnapshotReader implements AsyncIterableIterator<Aggregate> {
  readonly comesSoon = true;
  readonly #snapshot: Snapshot;
  /** What is to come: the next piece first. */
  readonly #pieces: (string | ByteRange)[];
  #closed = false;

  constructor(snapshot: Snapshot, pieces: readonly (string | ByteRange)[]) {
    this.#snapshot = snapshot;
    this.#pieces = [...pieces];
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Aggregate, undefined>> {
    const piece = this.#closed ? undefined : this.#pieces.shift();
    if (piece === undefined) return this.return();
    if (typeof piece === 'string') {
      return { done: false, value: Aggregate.adopt(Buffer.from(piece, 'latin1')) };
    }
    const end = Math.min(piece.end, piece.start + READ_BYTES);
    if (end < piece.end) this.#pieces.unshift({ start: end, end: piece.end });
    try {
      return { done: false, value: await this.#snapshot.read(piece.start, end) };
    } catch (error) {
      await this.return();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Aggregate, undefined>> {
    if (!this.#closed) this.#snapshot.release();
    this.#closed = true;
    return { done: true, value: undefined };
  }
}
