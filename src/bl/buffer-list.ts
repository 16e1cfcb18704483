import { Aggregate } from '../aggregate/aggregate.ts';
import { describe } from '../base/error.ts';
import {
  type AnyBufferList,
  attach,
  type BufferListAcceptedTypes,
  isBufferList,
  isHolder,
  MARK,
  share,
} from './attach.ts';
import { callable } from './callable.ts';
import { ListBytes } from './list-bytes.ts';
import { BYTES, ListReads } from './list-reads.ts';

/** The methods of lists. */
class List extends ListReads {
  /** @internal */
  declare readonly [BYTES]: ListBytes;

  /** In bytes. O(1). */
  get length(): number {
    return this[BYTES].length;
  }

  /** Whether it is a BufferList or a BufferListStream, be it of this module or of bl. */
  static isBufferList(value: unknown): value is AnyBufferList {
    return isBufferList(value);
  }

  /** Puts content behind the last byte. Buffers and aggregates are kept as they are; strings are encoded. */
  append(content: BufferListAcceptedTypes): this {
    attach(this, content, false);
    return this;
  }

  /** Puts content before the first byte; an array keeps its order. As {@link append}. */
  prepend(content: BufferListAcceptedTypes): this {
    attach(this, content, true);
    return this;
  }

  /** The byte at an index, undefined outside. */
  get(index: number): number | undefined {
    const bytes = this[BYTES];
    const at = Number(index);
    return Number.isInteger(at) && at >= 0 && at < bytes.length ? bytes.at(at) : undefined;
  }

  /**
   * The bytes from `start` to `end`, negative ones counting from the end. A view where one buffer holds them
   * all, else a copy; always a copy once an aggregate was put in, whose memory may be recycled.
   */
  slice(start?: number, end?: number): Buffer {
    const bytes = this[BYTES];
    const { length } = bytes;
    const from = place(start, 0, length);
    const to = place(end, length, length);
    return from < to ? bytes.bufferOf(from, to) : Buffer.alloc(0);
  }

  /**
   * Copies the bytes from `start` to `end`, as many as there is room for, to `target` from `targetStart` on.
   * @param target without one, a slice is made
   * @returns the target
   */
  copy(target: Uint8Array | null, targetStart?: number, start?: number, end?: number): Buffer {
    const bytes = this[BYTES];
    const from = Math.max(0, whole(start, 0));
    const to = Math.min(whole(end, bytes.length), bytes.length);
    if (!target) return this.slice(from, Math.max(0, to));
    const at = whole(Number(targetStart), 0);
    if (from < bytes.length && to > 0 && !(at > target.length)) {
      bytes.copyTo(target, at, from, Math.max(from, to));
    }
    return target as Buffer;
  }

  /** The bytes from `start` to `end` as another list. Copies nothing. */
  shallowSlice(start?: number, end?: number): BufferList {
    const { length } = this;
    const from = place(Number(start || 0), 0, length);
    return part(this, from, place(end, length, length));
  }

  /** Another list of the same buffers, to be consumed on its own. Copies nothing. */
  duplicate(): BufferList {
    return part(this, 0, this.length);
  }

  /** The bytes decoded; `start` and `end` as in {@link slice}. */
  override toString(encoding: BufferEncoding = 'utf8', start?: number, end?: number): string {
    const bytes = this[BYTES];
    const { length } = bytes;
    const from = place(start, 0, length);
    const to = place(end, length, length);
    if (from < to && Buffer.isEncoding(encoding)) return bytes.toString(encoding, from, to);
    return this.slice(start, end).toString(encoding);
  }

  /** Drops bytes from the front; a count that is not positive drops none. */
  consume(bytes: number): this {
    const count = Math.trunc(bytes);
    if (count > 0) this[BYTES].drop(Math.min(count, this.length));
    return this;
  }

  /**
   * Position of the first occurrence at `offset` or later; -1 for none. Flattens nothing.
   * @param value a number is one byte
   * @param offset negative: counted from the end; a string: the encoding
   */
  indexOf(
    value: string | number | Uint8Array | AnyBufferList | Aggregate,
    offset?: number | string,
    encoding?: BufferEncoding,
  ): number {
    const bytes = this[BYTES];
    const isEncoding = encoding === undefined && typeof offset === 'string';
    const needle = needleOf(value, isEncoding ? (offset as BufferEncoding) : encoding);
    return bytes.indexOf(needle, place(Number(isEncoding ? 0 : offset || 0), 0, bytes.length));
  }

  /**
   * The buffers themselves, copied once an aggregate was put in, in an array that is not to be changed.
   * O(buffers), O(1) until the list changes.
   */
  getBuffers(): Buffer[] {
    return this[BYTES].buffers();
  }

  /**
   * The bytes as an aggregate, which the caller releases. Copies nothing: buffers of the caller's must not
   * change from then on, and channels refuse them until they are copied (see Aggregate.compact). O(1).
   */
  toAggregate(): Aggregate {
    return this[BYTES].duplicate();
  }

  /** For Buffer.from(): the bytes. */
  override valueOf(): Buffer {
    return this.slice();
  }

  /** @internal What bl calls the array of buffers, and reads from a list that it is given. */
  get _bufs(): Buffer[] {
    return this.getBuffers();
  }

  /** @internal An empty list of this kind. */
  _new(): BufferList {
    return new BufferList();
  }
}

/** The bytes from `from` to `to` as another list of the same kind. */
function part(list: BufferList, from: number, to: number): BufferList {
  const made = list._new();
  const bytes = list[BYTES].slice(from, to);
  share(made, bytes, false, list[BYTES].isPooled);
  bytes.release();
  return made;
}

/** A position inside; a negative one counts from the end. */
function place(position: unknown, otherwise: number, length: number): number {
  if (typeof position !== 'number') return otherwise;
  const at = whole(position < 0 ? position + length : position, 0);
  return Math.min(Math.max(0, at), length);
}

function whole(number: unknown, otherwise: number): number {
  return typeof number === 'number' ? Math.trunc(number) || 0 : otherwise;
}

function needleOf(
  value: string | number | Uint8Array | AnyBufferList | Aggregate,
  encoding: BufferEncoding | undefined,
): Buffer | Aggregate | number {
  if (typeof value === 'number') return value & 255;
  if (typeof value === 'string')
    return isAscii(value, encoding) ? value.charCodeAt(0) : Buffer.from(value, encoding);
  if (typeof value === 'function' || Array.isArray(value)) {
    const given = describe(value);
    const message = `Cannot search list: a string, a number, bytes or a list is wanted, ${given} was given`;
    // Buffer and bl throw a TypeError here.
    throw Object.assign(new TypeError(message), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  if (isHolder(value)) return value[BYTES];
  if (isBufferList(value)) return value.slice();
  return Buffer.isBuffer(value) || Aggregate.isAggregate(value) ? value : Buffer.from(value);
}

/** Whether it is one character that is one byte, which is found without a needle being made. */
function isAscii(text: string, encoding: BufferEncoding | undefined): boolean {
  return text.length === 1 && encoding === undefined && text.charCodeAt(0) < 128;
}

Object.defineProperty(List.prototype, MARK, { value: true });

/**
 * A list of buffers that reads like one Buffer: a drop-in for the BufferList of the package bl. Keeps the
 * caller's buffers without copying them; whoever changes them changes the list. Needs no release. Positions
 * that are no integers are taken as Buffer takes them.
 *
 * It is an aggregate underneath, so that it takes aggregates, whose slices it shares, and gives its bytes as
 * one ({@link toAggregate}). Costs are those of Aggregate's operations.
 */
export interface BufferList extends List {}

/** What makes a {@link BufferList}, with `new` or without. */
export interface BufferListConstructor {
  /** @param content what to begin with, as for {@link BufferList.append} */
  new (content?: BufferListAcceptedTypes): BufferList;
  (content?: BufferListAcceptedTypes): BufferList;
  /** What its lists inherit from. */
  readonly prototype: BufferList;
  /** Whether it is a BufferList or a BufferListStream, be it of this module or of bl. */
  isBufferList(value: unknown): value is AnyBufferList;
}

/** Makes a {@link BufferList}, with `new` or without, as bl does. */
export const BufferList = callable(List, 'BufferList', begin) as BufferListConstructor;
// As an entry of the package, which bl has as well.
export { BufferList as default };

function begin(this: { [BYTES]: ListBytes }, content?: BufferListAcceptedTypes): void {
  this[BYTES] = new ListBytes();
  if (content) (this as unknown as BufferList).append(content);
}
