import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { abortable } from '../../base/abortable.ts';
import { isBytes } from '../../base/bytes.ts';
import { ArgumentError, describe } from '../../base/error.ts';
import type { Aggregate } from '../aggregate.ts';
import { type CollectOptions, Collector } from './collector.ts';
import { fileOf, readFile } from './file-source.ts';
import { checkOptions, checkSignal } from './stream-options.ts';
import { type Piece, type Source, sourceOf } from './stream-source.ts';

/** What {@link Aggregate.fromStream} reads. */
export type StreamLike = Readable | ReadableStream | FileHandle | AsyncIterable<Piece> | Iterable<Piece>;

/** Options of {@link Aggregate.fromStream}. */
export interface FromStreamOptions extends CollectOptions {
  /** Ends the wait, and the stream. The reason is what is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/** See {@link Aggregate.fromStream}. */
export async function collectStream(stream: unknown, options: FromStreamOptions): Promise<Aggregate> {
  checkOptions(options, 'collect stream');
  const { signal } = options;
  checkSignal(signal, 'collect stream');
  const collector = new Collector(options, 'collect stream');
  const file = await fileOf(stream, signal);
  if (file !== undefined) return readFile(file, collector, signal);
  return drain(sourceOf(stream), collector, signal);
}

async function drain(
  source: Source,
  collector: Collector,
  signal: AbortSignal | undefined,
): Promise<Aggregate> {
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
  return typeof value === 'string' || isBytes(value) || isAggregate(value);
}

function isAggregate(value: unknown): value is Aggregate {
  return typeof value === 'object' && value !== null && 'slices' in value && 'release' in value;
}

/** An aggregate that a stream yields is its consumer's to release. */
function giveBack(piece: unknown): void {
  if (isAggregate(piece)) piece[Symbol.dispose]();
}

function ignore(): void {}
