import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { abortable } from '../../base/abortable.ts';
import { isBytes } from '../../base/bytes.ts';
import { ArgumentError, describe } from '../../base/error.ts';
import { ignore } from '../../base/ignore.ts';
import { ByteSequence } from '../byte-sequence.ts';
import type { Tree } from '../tree/branch.ts';
import { type CollectOptions, Collector } from './collector.ts';
import { fileOf, readFile } from './file-source.ts';
import { checkOptions, checkSignal } from './stream-options.ts';
import { type Piece, type StreamSource, sourceOf } from './stream-source.ts';

/** What {@link Aggregate.fromStream} reads. */
export type StreamLike =
  | Readable
  | ReadableStream
  | Blob
  | FileHandle
  | AsyncIterable<Piece>
  | Iterable<Piece>;

/** Options of {@link Aggregate.fromStream}. */
export interface FromStreamOptions extends CollectOptions {
  /** Ends the wait, and the stream. The reason is what is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * All bytes of a stream as a tree, whose reference is the caller's; undefined when there are none. See
 * {@link Aggregate.fromStream}.
 */
export async function collectStream(stream: unknown, options: FromStreamOptions): Promise<Tree | undefined> {
  checkOptions(options, 'collect stream');
  const { signal } = options;
  checkSignal(signal, 'collect stream');
  const collector = new Collector(options, 'collect stream');
  const file = await fileOf(stream, signal);
  if (file !== undefined) return readFile(file, collector, signal);
  return drain(sourceOf(stream), collector, signal);
}

async function drain(
  source: StreamSource,
  collector: Collector,
  signal: AbortSignal | undefined,
): Promise<Tree | undefined> {
  let pending: Promise<IteratorResult<unknown>> | undefined;
  try {
    signal?.throwIfAborted();
    for (;;) {
      pending = source.next();
      const { value, done } = await abortable(pending, signal);
      pending = undefined;
      if (done === true) return collector.finish();
      take(value, collector);
    }
  } catch (error) {
    // What comes yet, nobody waits for.
    pending?.then(({ value }) => giveBack(value), ignore);
    collector.discard();
    source.cancel(error);
    throw error;
  }
}

function take(piece: unknown, collector: Collector): void {
  if (!isPiece(piece)) {
    throw new ArgumentError(
      `Cannot collect stream: bytes, strings or aggregates are wanted in it, ${describe(piece)} came`,
    );
  }
  try {
    collector.add(piece);
  } finally {
    giveBack(piece);
  }
}

function isPiece(value: unknown): value is Piece {
  return typeof value === 'string' || isBytes(value) || value instanceof ByteSequence;
}

/** Whoever reads a stream releases the aggregates in it. */
function giveBack(piece: unknown): void {
  if (piece instanceof ByteSequence) piece[Symbol.dispose]();
}
