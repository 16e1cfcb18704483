import type { Readable } from 'node:stream';
import type { ReadableStream, ReadableStreamBYOBReader } from 'node:stream/web';
import { type Bytes, isBytes } from '../../base/bytes.ts';
import { ArgumentError, describe } from '../../base/error.ts';
import { ignore } from '../../base/ignore.ts';
import { ByteSequence } from '../byte-sequence.ts';
import { isBlob } from '../refused-content.ts';

/** What a stream may consist of. Its consumer releases the aggregates. */
export type Piece = Bytes | string | ByteSequence;

/** Any kind of stream, one piece at a time. A piece is to be used before the next is asked for. */
export interface StreamSource {
  next(): Promise<IteratorResult<unknown>>;
  /** Ends the stream before its end, also while a piece is waited for. Never throws. */
  cancel(reason: unknown): void;
}

/** Room that a BYOB reader fills. */
const BYOB_BYTES = 64 * 1024;

/** @throws ERR_IOLITE_ARGUMENT for what is no stream, or one that somebody else reads */
export function sourceOf(stream: unknown): StreamSource {
  if (
    typeof stream === 'object' &&
    stream !== null &&
    !isBytes(stream) &&
    !(stream instanceof ByteSequence)
  ) {
    if ('getReader' in stream && typeof stream.getReader === 'function') {
      return webSource(stream as ReadableStream);
    }
    if (isBlob(stream)) return webSource(stream.stream() as ReadableStream);
    if (isReadable(stream)) return nodeSource(stream);
    if (Symbol.asyncIterator in stream || Symbol.iterator in stream) {
      return iterableSource(stream as AsyncIterable<unknown>);
    }
  }
  throw new ArgumentError(
    `Cannot collect stream: a stream or an iterable of pieces is wanted, ${describe(stream)} was given`,
  );
}

function isReadable(stream: object): stream is Readable {
  return (
    Symbol.asyncIterator in stream &&
    'read' in stream &&
    'destroy' in stream &&
    typeof stream.read === 'function' &&
    typeof stream.destroy === 'function'
  );
}

function nodeSource(stream: Readable): StreamSource {
  const iterator = stream[Symbol.asyncIterator]();
  return {
    next: () => iterator.next(),
    // The iterator may wait for a piece, and would be asked to return in vain.
    cancel: () => {
      stream.on('error', ignore);
      stream.destroy();
    },
  };
}

function iterableSource(stream: AsyncIterable<unknown> | Iterable<unknown>): StreamSource {
  const iterator =
    Symbol.asyncIterator in stream ? stream[Symbol.asyncIterator]() : stream[Symbol.iterator]();
  let failed = false;
  return {
    next: async () => {
      try {
        return await iterator.next();
      } catch (error) {
        failed = true;
        throw error;
      }
    },
    cancel: () => {
      // An iterator that threw is over, and is not told.
      if (failed) return;
      quietly(() => iterator.return?.());
    },
  };
}

function webSource(stream: ReadableStream): StreamSource {
  if (stream.locked) throw new ArgumentError('Cannot collect stream: it is locked to another reader');
  const reader = byobReader(stream);
  if (reader !== undefined) return byobSource(reader);
  const plain = stream.getReader();
  return {
    next: () => plain.read() as Promise<IteratorResult<unknown>>,
    cancel: reason => quietly(() => plain.cancel(reason)),
  };
}

/** @returns undefined unless it is a stream of bytes */
function byobReader(stream: ReadableStream): ReadableStreamBYOBReader | undefined {
  try {
    return stream.getReader({ mode: 'byob' });
  } catch {
    return undefined;
  }
}

/**
 * A BYOB reader takes the ArrayBuffer of the view away and gives it back under another object, which memory
 * of a pool must not suffer. So one buffer on the heap goes to and fro.
 */
function byobSource(reader: ReadableStreamBYOBReader): StreamSource {
  let buffer = new ArrayBuffer(BYOB_BYTES);
  return {
    next: async () => {
      const { value, done } = await reader.read(new Uint8Array(buffer));
      if (done || value === undefined) return { done: true, value: undefined };
      buffer = value.buffer as ArrayBuffer;
      return { done: false, value };
    },
    cancel: reason => quietly(() => reader.cancel(reason)),
  };
}

/** Starts what may fail, whose failure is nobody's concern. */
function quietly(start: () => unknown): void {
  void (async () => start())().catch(ignore);
}
