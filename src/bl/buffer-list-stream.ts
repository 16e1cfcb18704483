import { Duplex } from 'node:stream';
import { type AnyBufferList, attach, type BufferListAcceptedTypes, isBufferList } from './attach.ts';
import { BufferList } from './buffer-list.ts';
import { ListBytes } from './list-bytes.ts';
import { BYTES, ListReads } from './list-reads.ts';

/** Told of the first error of a stream that is piped in, or, at the end, given all bytes. */
export type Collected = (error: Error | null, bytes?: Buffer) => void;

type ListMethods = Omit<BufferList, 'append' | 'prepend' | 'consume' | 'shallowSlice' | 'duplicate' | '_new'>;

/**
 * A {@link BufferList} that is a Duplex as well: what is written to it goes to its end, what is read from it
 * is consumed, and its readable side ends when it is read while empty. A drop-in for the BufferListStream of
 * the package bl, version 7.
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

/** The stream alone; the methods of the list are put to its prototype below. */
class ListStream extends Duplex {
  readonly [BYTES] = new ListBytes();
  #collected: Collected | undefined;

  constructor(content?: Collected | BufferListAcceptedTypes) {
    super();
    if (typeof content === 'function') this.#collectFor(content);
    else if (content) attach(this, content, false);
  }

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
    if (this.#collected !== undefined) this.#settle(null, (this as unknown as BufferListStream).slice());
    return this;
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this[BYTES].drop(this[BYTES].length);
    done(error);
  }

  _new(): BufferListStream {
    return new BufferListStream();
  }

  #collectFor(collected: Collected): void {
    this.#collected = collected;
    const fail = (error: Error): void => this.#settle(error);
    this.on('pipe', source => source.on('error', fail));
    this.on('unpipe', source => source.removeListener('error', fail));
  }

  #settle(error: Error | null, bytes?: Buffer): void {
    const collected = this.#collected;
    this.#collected = undefined;
    if (bytes === undefined) collected?.(error);
    else collected?.(error, bytes);
  }
}

for (const { prototype } of [ListReads, BufferList]) {
  for (const name of Reflect.ownKeys(prototype)) {
    if (Object.hasOwn(ListStream.prototype, name)) continue;
    const property = Object.getOwnPropertyDescriptor(prototype, name);
    if (property !== undefined) Object.defineProperty(ListStream.prototype, name, property);
  }
}
Object.defineProperty(ListStream, 'name', { value: 'BufferListStream' });

/** The class of lists that are streams. */
export const BufferListStream = ListStream as unknown as {
  /**
   * A list that is a stream.
   * @param content what to begin with, or a function that is given the bytes when the stream was ended
   */
  new (content?: Collected | BufferListAcceptedTypes): BufferListStream;
  /** See {@link BufferList.isBufferList}. */
  isBufferList(value: unknown): value is AnyBufferList;
};
