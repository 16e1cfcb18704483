import { Duplex } from 'node:stream';
import { type AnyBufferList, attach, type BufferListAcceptedTypes, isBufferList } from './attach.ts';
import { BufferList, type BufferListConstructor } from './buffer-list.ts';
import { callable } from './callable.ts';
import { ListBytes } from './list-bytes.ts';
import { BYTES, ListReads } from './list-reads.ts';

/** Told of the first error of a stream that is piped in, or, at the end, given all bytes. */
export type Collected = (error: Error | null, bytes?: Buffer) => void;

type ListMethods = Omit<BufferList, 'append' | 'prepend' | 'consume' | 'shallowSlice' | 'duplicate' | '_new'>;

/**
 * A {@link BufferList} that is a Duplex as well: what is written to it goes to its end, what is read from it
 * is consumed, and its readable side ends when it is read while empty. A drop-in for the BufferListStream of
 * the package bl, with `new` or without.
 */
export interface BufferListStream extends Duplex, ListMethods {
  /** In bytes. O(1). */
  readonly length: number;
  /** @internal */
  readonly _bufs: Buffer[];
  /** See {@link BufferList.append}. */
  append(content: BufferListAcceptedTypes): this;
  /** See {@link BufferList.prepend}. */
  prepend(content: BufferListAcceptedTypes): this;
  /** See {@link BufferList.consume}. */
  consume(bytes: number): this;
  /** A list of its own over a part; copies nothing. */
  shallowSlice(start?: number, end?: number): BufferListStream;
  /** A list of its own over all of it; copies nothing. */
  duplicate(): BufferListStream;
}

/** Under this key a stream keeps its callback. */
const COLLECTED: unique symbol = Symbol('collected');

/** The stream alone; the methods of the list are put to its prototype below. */
class ListStream extends Duplex {
  declare [BYTES]: ListBytes;
  declare [COLLECTED]: Collected | undefined;

  static isBufferList(value: unknown): value is AnyBufferList {
    return isBufferList(value);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    attach(this, chunk, false);
    if (typeof done === 'function') done();
  }

  override _read(wanted: number): void {
    const bytes = this[BYTES];
    const size = Math.min(wanted, bytes.length);
    if (bytes.length === 0) {
      this.push(null);
      return;
    }
    const buffer = bytes.bufferOf(0, size);
    bytes.drop(size);
    this.push(buffer);
  }

  override end(chunk?: unknown, encoding?: unknown, done?: unknown): this {
    super.end(chunk, encoding as BufferEncoding, done as () => void);
    if (this[COLLECTED] !== undefined) settle(this, null, (this as unknown as BufferListStream).slice());
    return this;
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this[BYTES].drop(this[BYTES].length);
    done(error);
  }

  _new(): BufferListStream {
    return new BufferListStream();
  }
}

for (const { prototype } of [ListReads, BufferList]) {
  for (const name of Reflect.ownKeys(prototype)) {
    if (Object.hasOwn(ListStream.prototype, name)) continue;
    const property = Object.getOwnPropertyDescriptor(prototype, name);
    if (property !== undefined) Object.defineProperty(ListStream.prototype, name, property);
  }
}

/** What makes a {@link BufferListStream}, with `new` or without; it has all that bl exports. */
export interface BufferListStreamConstructor {
  /** @param content what to begin with, or a function that is given the bytes when the stream was ended */
  new (content?: Collected | BufferListAcceptedTypes): BufferListStream;
  (content?: Collected | BufferListAcceptedTypes): BufferListStream;
  /** What its streams inherit from. */
  readonly prototype: BufferListStream;
  /** Whether it is a BufferList or a BufferListStream, be it of this module or of bl. */
  isBufferList(value: unknown): value is AnyBufferList;
  /** The list without a stream, for `require('bl').BufferList`. */
  readonly BufferList: BufferListConstructor;
  /** Itself, for `require('bl').BufferListStream`. */
  readonly BufferListStream: BufferListStreamConstructor;
}

/** Makes a {@link BufferListStream}, with `new` or without, as bl does. */
export const BufferListStream = callable(
  ListStream,
  'BufferListStream',
  begin,
) as BufferListStreamConstructor;
Object.assign(BufferListStream, { BufferList, BufferListStream });

function begin(this: ListStream, content?: Collected | BufferListAcceptedTypes): void {
  (Duplex as unknown as (this: Duplex) => void).call(this);
  this[BYTES] = new ListBytes();
  this[COLLECTED] = undefined;
  if (typeof content === 'function') collectFor(this, content);
  else if (content) attach(this, content, false);
}

function collectFor(list: ListStream, collected: Collected): void {
  list[COLLECTED] = collected;
  const fail = (error: Error): void => settle(list, error);
  list.on('pipe', source => source.on('error', fail));
  list.on('unpipe', source => source.removeListener('error', fail));
}

function settle(list: ListStream, error: Error | null, bytes?: Buffer): void {
  const collected = list[COLLECTED];
  list[COLLECTED] = undefined;
  if (bytes === undefined) collected?.(error);
  else collected?.(error, bytes);
}
