import { Aggregate } from '../aggregate/aggregate.ts';
import { isBytes } from '../base/bytes.ts';
import type { ListBytes } from './list-bytes.ts';
import { BYTES } from './list-reads.ts';

/** What can be added to a list. An array may hold arrays. */
export type BufferListAcceptedTypes =
  | Buffer
  | Uint8Array
  | AnyBufferList
  | Aggregate
  | string
  | number
  | readonly BufferListAcceptedTypes[];

/** A list of this module or of the package bl, told by a symbol that they share. */
export interface AnyBufferList {
  /** In bytes. */
  readonly length: number;
  /** Its buffers. Older versions of bl have no other way to them. */
  readonly _bufs: Buffer[];
  /** A copy of a part, or the buffer itself where it lies in one. */
  slice(start?: number, end?: number): Buffer;
}

/** A list of this module. */
export interface Holder {
  readonly [BYTES]: ListBytes;
}

/** What bl marks its lists with. */
export const MARK = Symbol.for('BufferList');

/**
 * Gives the memory of pools back when a list that has some is collected, for lists are dropped without a
 * word.
 */
const collected = new FinalizationRegistry<ListBytes>(bytes => bytes.release());

/** Whether it is a BufferList or a BufferListStream, be it of this module or of bl. */
export function isBufferList(value: unknown): value is AnyBufferList {
  return value != null && (value as Record<symbol, unknown>)[MARK] === true;
}

export function isHolder(value: unknown): value is Holder {
  return typeof value === 'object' && value !== null && BYTES in value;
}

/**
 * Adds content at an end of a list; an array keeps its order. What can be shared is not copied.
 * @throws what Buffer.from throws, ERR_IOLITE_RELEASED
 */
export function attach(list: Holder, content: unknown, atFront: boolean): void {
  if (content == null) return;
  if (typeof content !== 'object') {
    // A number is taken as its digits: Buffer.from would take it as a size.
    list[BYTES].put(Buffer.from(typeof content === 'number' ? `${content}` : (content as string)), atFront);
  } else if (isBytes(content)) {
    list[BYTES].put(content, atFront);
  } else if ('buffer' in content) {
    const { buffer, byteOffset, byteLength } = content as DataView<ArrayBuffer>;
    list[BYTES].put(Buffer.from(buffer, byteOffset, byteLength), atFront);
  } else if (Array.isArray(content)) {
    for (const each of atFront ? content.toReversed() : content) attach(list, each, atFront);
  } else if (isHolder(content)) {
    share(list, content[BYTES], atFront, content[BYTES].isPooled);
  } else if (Aggregate.isAggregate(content)) {
    share(list, content, atFront, true);
  } else if (isBufferList(content)) {
    attach(list, content._bufs, atFront);
  } else {
    list[BYTES].put(Buffer.from(content as ArrayBuffer), atFront);
  }
}

/** Adds the slices of an aggregate. */
export function share(list: Holder, content: Aggregate, atFront: boolean, isPooled: boolean): void {
  const bytes = list[BYTES];
  bytes.share(content, atFront);
  if (!isPooled || bytes.isPooled) return;
  bytes.isPooled = true;
  collected.register(list, bytes);
}
