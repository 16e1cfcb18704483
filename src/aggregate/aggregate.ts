import type { ChunkPool } from '../memory/chunk-pool.ts';
import { leaseOfAdopted } from '../memory/heap-chunk.ts';
import type { Lease } from '../memory/lease.ts';
import { ArgumentError, BoundsError, checkInteger, describe, IoliteError } from '../os/error.ts';
import { bufferOver, checkEncoding, isBytes } from './bytes.ts';
import { compareRange } from './compare.ts';
import { copyRange, flatCopy } from './copy.ts';
import { Cursor } from './cursor.ts';
import { decode } from './decode.ts';
import { defaultPool } from './default-pool.ts';
import { commit, copyToPool, type Source } from './fill.ts';
import { Slice } from './slice.ts';
import { Tail } from './tail.ts';
import { append, forEachSlice, join, release, retain, split, type Tree, treeOf } from './tree.ts';
import { TypedReads } from './typed-reads.ts';

/** What can be put into an aggregate: another's slices by reference, or bytes and strings by copy. */
export type Content = Aggregate | string | Uint8Array | ArrayBuffer;

/**
 * A buffer aggregate (IO-Lite, 3.2): a mutable ordered list of slices of immutable buffers. Changing the list
 * changes no buffer: what an aggregate shares with others, in this process and in others, stays as it is.
 *
 * Whoever is given an aggregate releases it (`release()` or `using`); the buffers go when nobody's aggregate
 * refers to them. Every operation on a released aggregate throws ERR_IOLITE_RELEASED. Positions are in bytes;
 * one that is no integer throws ERR_IOLITE_ARGUMENT, one outside throws ERR_IOLITE_RANGE. Operations that
 * need new memory throw what Pool.allocate throws. A failed operation changes nothing.
 */
export class Aggregate extends TypedReads {
  #tree: Tree | undefined;
  #released = false;
  /** Where bytes that are put in are copied to. Inherited by what is made from this aggregate. */
  readonly #pool: ChunkPool | undefined;
  #tail: Tail | undefined;
  /** The positions that `window` covers, and where the first of them is in it. */
  #windowStart = 0;
  #windowEnd = 0;
  #windowIndex = 0;

  /** Takes over a reference to the tree. Use a pool, {@link empty}, {@link concat} or {@link adopt}. */
  constructor(tree?: Tree, pool?: ChunkPool) {
    super();
    this.#tree = tree;
    this.#pool = pool;
  }

  /** An aggregate without bytes. */
  static empty(): Aggregate {
    return new Aggregate();
  }

  /**
   * A new aggregate of all of them in order. Shares their slices, copies nothing; strings and bytes are copied.
   * O(log slices) each. What is put in later goes to the pool of the first.
   */
  static concat(list: Iterable<Content>): Aggregate {
    if (typeof list !== 'object' || list === null || !(Symbol.iterator in list) || isContent(list)) {
      throw new ArgumentError(`Cannot concat: a list of aggregates is wanted, ${describe(list)} was given`);
    }
    let whole: Aggregate | undefined;
    try {
      for (const part of list) {
        whole ??= new Aggregate(undefined, Aggregate.isAggregate(part) ? part.#pool : undefined);
        whole.append(part);
      }
    } catch (error) {
      whole?.release();
      throw error;
    }
    return whole ?? new Aggregate();
  }

  /**
   * An aggregate over bytes that the caller has and promises never to change. Copies nothing. It lives on this
   * process's heap: channels refuse it until it is copied to a shared pool (see {@link compact}).
   */
  static adopt(bytes: Uint8Array | ArrayBuffer): Aggregate {
    if (!isBytes(bytes))
      throw new ArgumentError(`Cannot adopt: bytes are wanted, ${describe(bytes)} was given`);
    const lease = leaseOfAdopted(bufferOver(bytes));
    if (lease.bytes.length === 0) return new Aggregate();
    lease.retain();
    return new Aggregate(new Slice(lease, 0, lease.bytes.length));
  }

  /** Whether a value is an aggregate, released or not. */
  static isAggregate(value: unknown): value is Aggregate {
    return typeof value === 'object' && value !== null && #tree in value;
  }

  /** In bytes. O(1). */
  get length(): number {
    return this.#tree?.length ?? this.#lengthOfNothing();
  }

  /** Whether it was released. The only thing that may be asked of it then. */
  get released(): boolean {
    return this.#released;
  }

  // Changing the list

  /**
   * Puts content behind the last byte. An aggregate's slices are shared and it stays as it is, O(log slices);
   * bytes and strings are copied, small ones one behind the other into common buffers, amortised O(bytes).
   * @param encoding of a string; default utf8
   */
  append(content: Content, encoding: BufferEncoding = 'utf8'): this {
    const given = this.#given(content, encoding, 'append to aggregate');
    if (!(given instanceof Aggregate)) {
      this.#tail ??= new Tail(this.#pool ?? defaultPool());
      const slice = this.#tail.copy(given);
      if (slice !== undefined) this.#change(append(this.#tree, slice));
    } else if (given.#tree !== undefined) {
      retain(given.#tree);
      this.#change(join(this.#tree, given.#tree));
    }
    return this;
  }

  /** Puts content before the first byte. As {@link append}, but each copy gets a buffer of its own. */
  prepend(content: Content, encoding: BufferEncoding = 'utf8'): this {
    const added = this.#treeOf(content, encoding, 'prepend to aggregate');
    if (added !== undefined) this.#change(join(added, this.#tree));
    return this;
  }

  /** Drops all bytes from position `length` on. O(log slices); copies nothing. */
  truncate(length: number): this {
    this.#checkPosition(length, 'truncate', 'length');
    const [kept, dropped] = this.#cut(length);
    this.#change(kept);
    if (dropped !== undefined) release(dropped);
    return this;
  }

  /** Drops the first `count` bytes. O(log slices); copies nothing. */
  trimStart(count: number): this {
    this.#checkPosition(count, 'trim', 'count');
    const [dropped, kept] = this.#cut(count);
    this.#change(kept);
    if (dropped !== undefined) release(dropped);
    return this;
  }

  /** Keeps the bytes before `at` and returns the rest, which the caller releases. O(log slices); copies nothing. */
  split(at: number): Aggregate {
    this.#checkPosition(at, 'split', 'position');
    const [kept, rest] = this.#cut(at);
    this.#change(kept);
    return new Aggregate(rest, this.#pool);
  }

  /**
   * Replaces as many bytes as the content has, from `offset` on. The new values are in new buffers (or shared
   * with the content, if it is an aggregate); bytes outside are not copied, and others who share the old ones
   * keep them. O(log slices + bytes written).
   * @throws ERR_IOLITE_RANGE when the content would reach beyond the end
   */
  write(offset: number, content: Content, encoding: BufferEncoding = 'utf8'): this {
    this.#checkPosition(offset, 'write', 'offset');
    const added = this.#treeOf(content, encoding, 'write to aggregate');
    if (added === undefined) return this;
    const end = offset + added.length;
    if (end > this.length) {
      release(added);
      throw new BoundsError(
        `Cannot write to aggregate: bytes ${offset} to ${end} are wanted, its length is ${this.length}`,
      );
    }
    this.#replace(offset, end - offset, added)?.release();
    return this;
  }

  /**
   * Removes `deleteCount` bytes at `start` and puts contents in their place.
   * O(log slices + bytes and strings put in); copies none of the aggregate's bytes.
   * @returns what was removed; the caller releases it
   */
  splice(start: number, deleteCount: number, ...contents: Content[]): Aggregate {
    this.#checkPosition(start, 'splice', 'start');
    checkInteger(deleteCount, 'deleteCount', 0, this.length - start);
    let added: Tree | undefined;
    try {
      for (const content of contents)
        added = join(added, this.#treeOf(content, 'utf8', 'splice into aggregate'));
    } catch (error) {
      if (added !== undefined) release(added);
      throw error;
    }
    return this.#replace(start, deleteCount, added) ?? new Aggregate(undefined, this.#pool);
  }

  /**
   * Copies the bytes into one buffer, so that the aggregate has one slice. Nothing happens when it has one
   * already, unless a pool is given: then the copy is made there.
   */
  compact(pool?: { readonly chunks: ChunkPool }): this {
    const { length } = this;
    if (length === 0 || (pool === undefined && this.#tree instanceof Slice)) return this;
    const target = pool?.chunks ?? this.#pool ?? defaultPool();
    const reservation = target.reserve(length);
    copyRange(this.#tree, reservation.bytes, 0, 0, length);
    const old = this.#tree as Tree;
    this.#change(commit(target, reservation, length));
    release(old);
    return this;
  }

  // Making others

  /**
   * The bytes from `start` to `end` as another aggregate, which the caller releases. O(log slices); copies
   * nothing. Positions as in Array.prototype.slice: negative ones count from the end, and they are clamped.
   */
  slice(start = 0, end = this.length): Aggregate {
    const limit = Number.MAX_SAFE_INTEGER;
    checkInteger(start, 'start', -limit, limit);
    checkInteger(end, 'end', -limit, limit);
    const from = clamped(start, this.length);
    const to = clamped(end, this.length);
    if (this.#tree === undefined || from >= to) return new Aggregate(undefined, this.#pool);
    retain(this.#tree);
    const [before, rest] = split(this.#tree, from);
    if (before !== undefined) release(before);
    const [part, after] = split(rest as Tree, to - from);
    if (after !== undefined) release(after);
    return new Aggregate(part, this.#pool);
  }

  /** Another aggregate of the same bytes, to be changed and released on its own. O(1); copies nothing. */
  duplicate(): Aggregate {
    this.#checkAlive('duplicate');
    if (this.#tree !== undefined) retain(this.#tree);
    return new Aggregate(this.#tree, this.#pool);
  }

  // Reading

  /** The byte at a position: 0 to 255. O(1) near the last read, O(log slices) elsewhere. */
  at(position: number): number {
    const index = this.place(position, 1, 'read');
    return this.window[index] as number;
  }

  /** Whether the bytes are the same. O(bytes); flattens nothing. */
  equals(other: Content): boolean {
    const tree = this.#otherTree(other, 'compare');
    return this.length === (tree?.length ?? 0) && compareRange(this.#tree, 0, tree, 0, this.length) === 0;
  }

  /** -1, 0 or 1, as this sorts before, with or behind the other, byte by byte. O(bytes); flattens nothing. */
  compare(other: Content): -1 | 0 | 1 {
    const tree = this.#otherTree(other, 'compare');
    return compareRange(this.#tree, 0, tree, 0, Number.POSITIVE_INFINITY);
  }

  /**
   * The bytes decoded, over borders of slices: what Buffer.toString gives for the flat bytes. O(bytes).
   * @param encoding default utf8
   * @param end one beyond the length counts as the length, as in Buffer
   */
  override toString(encoding: BufferEncoding = 'utf8', start = 0, end = this.length): string {
    this.#checkAlive('decode');
    checkEncoding(encoding, 'decode aggregate');
    return decode(this.#tree, encoding, start, this.#checkRange(start, end));
  }

  /** A copy of the bytes on the heap, the caller's to change. O(bytes). */
  toBuffer(): Buffer {
    return flatCopy(this.#tree, 0, this.length);
  }

  /**
   * Copies the bytes from `start` to `end`, as many as there is room for, to `target` from `targetStart` on.
   * @returns how many were copied
   */
  copyTo(target: Uint8Array, targetStart = 0, start = 0, end = this.length): number {
    this.#checkAlive('copy');
    if (!isBytes(target) || target instanceof ArrayBuffer) {
      throw new ArgumentError(
        `Cannot copy aggregate: a Uint8Array is wanted as target, ${describe(target)} was given`,
      );
    }
    const room = bufferOver(target);
    checkInteger(targetStart, 'targetStart', 0, room.length);
    const length = Math.min(this.#checkRange(start, end) - start, room.length - targetStart);
    copyRange(this.#tree, room, targetStart, start, start + length);
    return length;
  }

  /** Its slices in order. They hold no references: use them while the aggregate is unreleased. O(slices). */
  slices(): Slice[] {
    this.#checkAlive('list slices of');
    const slices: Slice[] = [];
    forEachSlice(this.#tree, slice => slices.push(slice));
    return slices;
  }

  /**
   * The bytes of its slices in order, for writev and the like. Copies nothing: the views show the memory
   * itself. Read them while the aggregate is unreleased, later they may show other bytes; never write them.
   */
  views(): Buffer[] {
    this.#checkAlive('view');
    const views: Buffer[] = [];
    forEachSlice(this.#tree, ({ lease, start, end }) => views.push(lease.bytes.subarray(start, end)));
    return views;
  }

  /** {@link views}, one after the other. */
  [Symbol.iterator](): Iterator<Buffer> {
    return this.views()[Symbol.iterator]();
  }

  // Ending

  /** Gives the bytes back: buffers that no other aggregate refers to are recycled. @throws ERR_IOLITE_RELEASED */
  release(): void {
    this.#checkAlive('release');
    this.#released = true;
    this.#tail?.close();
    const tree = this.#tree;
    this.#change(undefined);
    if (tree !== undefined) release(tree);
  }

  /** Releases it unless that was done. */
  [Symbol.dispose](): void {
    if (!this.#released) this.release();
  }

  protected override place(offset: number, size: number, operation: string): number {
    const inWindow =
      Number.isInteger(offset) && offset >= this.#windowStart && offset + size <= this.#windowEnd;
    if (!inWindow) this.#moveWindow(offset, size, operation);
    return offset - this.#windowStart + this.#windowIndex;
  }

  #moveWindow(offset: number, size: number, operation: string): void {
    this.#checkAlive(operation);
    checkInteger(offset, 'offset', 0, Number.MAX_SAFE_INTEGER);
    if (offset + size > this.length) {
      throw new BoundsError(
        `Cannot ${operation} aggregate: bytes ${offset} to ${offset + size} are wanted, its length is ${this.length}`,
      );
    }
    const { slice, start } = new Cursor(this.#tree, offset);
    if (slice !== undefined && offset + size <= start + slice.length) {
      this.window = slice.lease.bytes;
      this.#windowStart = start;
      this.#windowEnd = start + slice.length;
      this.#windowIndex = slice.start;
    } else {
      this.window = flatCopy(this.#tree, offset, offset + size);
      this.#windowStart = offset;
      this.#windowEnd = offset + size;
      this.#windowIndex = 0;
    }
  }

  /** Sets another tree; the window no longer holds. */
  #change(tree: Tree | undefined): void {
    this.#tree = tree;
    this.#windowEnd = -1;
  }

  /** Splits the tree, whose reference is the caller's from here on. */
  #cut(at: number): [Tree | undefined, Tree | undefined] {
    return this.#tree === undefined ? [undefined, undefined] : split(this.#tree, at);
  }

  /** @returns what was there; nothing if no byte was */
  #replace(start: number, count: number, added: Tree | undefined): Aggregate | undefined {
    const [before, rest] = this.#cut(start);
    const [removed, after] = rest === undefined ? [undefined, undefined] : split(rest, count);
    this.#change(join(join(before, added), after));
    return removed === undefined ? undefined : new Aggregate(removed, this.#pool);
  }

  /** Content as it was given, checked: an aggregate, or what is to be copied. */
  #given(content: Content, encoding: BufferEncoding, operation: string): Aggregate | Source {
    this.#checkAlive(operation.split(' ', 1)[0] as string);
    if (typeof content === 'string') {
      checkEncoding(encoding, operation);
      return { text: content, encoding };
    }
    if (Aggregate.isAggregate(content)) {
      if (!content.#released) return content;
      throw new IoliteError('ERR_IOLITE_RELEASED', `Cannot ${operation}: what is to be put in was released`);
    }
    if (isBytes(content)) return bufferOver(content);
    throw new ArgumentError(
      `Cannot ${operation}: an Aggregate, a string or bytes are wanted, ${describe(content)} was given`,
    );
  }

  /** Content as a tree whose reference is the caller's. */
  #treeOf(content: Content, encoding: BufferEncoding, operation: string): Tree | undefined {
    const given = this.#given(content, encoding, operation);
    if (!(given instanceof Aggregate)) return copyToPool(this.#pool ?? defaultPool(), given);
    if (given.#tree !== undefined) retain(given.#tree);
    return given.#tree;
  }

  /** Content to be read and not kept: holds no reference, copies no bytes. */
  #otherTree(content: Content, operation: string): Tree | undefined {
    const given = this.#given(content, 'utf8', operation);
    if (given instanceof Aggregate) return given.#tree;
    const bytes = 'text' in given ? Buffer.from(given.text, given.encoding) : given;
    return bytes.length === 0 ? undefined : new Slice(leaseOfAdopted(bytes), 0, bytes.length);
  }

  #checkAlive(operation: string): void {
    if (this.#released)
      throw new IoliteError('ERR_IOLITE_RELEASED', `Cannot ${operation} aggregate: it was released`);
  }

  #checkPosition(position: number, operation: string, name: string): void {
    this.#checkAlive(operation);
    checkInteger(position, name, 0, this.length);
  }

  /** @returns the end, which as in Buffer may lie beyond the last byte */
  #checkRange(start: number, end: number): number {
    checkInteger(start, 'start', 0, this.length);
    checkInteger(end, 'end', start, Number.MAX_SAFE_INTEGER);
    return Math.min(end, this.length);
  }

  #lengthOfNothing(): 0 {
    this.#checkAlive('measure');
    return 0;
  }
}

function isContent(value: unknown): boolean {
  return typeof value === 'string' || isBytes(value) || Aggregate.isAggregate(value);
}

function clamped(position: number, length: number): number {
  return position < 0 ? Math.max(0, length + position) : Math.min(position, length);
}

/** An aggregate of slices, whose references it takes over from the caller. */
export function aggregateOfSlices(
  slices: readonly { readonly lease: Lease; readonly start: number; readonly end: number }[],
): Aggregate {
  return new Aggregate(treeOf(slices.map(({ lease, start, end }) => new Slice(lease, start, end))));
}
