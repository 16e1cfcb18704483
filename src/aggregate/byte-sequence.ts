import { bytesOfOtherCopy } from '../base/brand.ts';
import { type Bytes, bufferOver, checkEncoding, isBytes } from '../base/bytes.ts';
import { ArgumentError, BoundsError, checkInteger, describe, IoliteError } from '../base/error.ts';
import { leaseOfAdopted } from '../memory/heap-chunk.ts';
import { leakDetector } from './leak-detector.ts';
import { refusedContent } from './refused-content.ts';
import { Slice } from './slice.ts';
import { forEachSlice, release, retain, type Tree } from './tree/branch.ts';
import { compareRange } from './tree/compare.ts';
import { endShown } from './tree/contiguous.ts';
import { copyRange, flatCopy } from './tree/copy.ts';
import { decode, LARGE_TEXT_BYTES } from './tree/decode.ts';
import type { CopySource } from './tree/fill.ts';
import { treeToWrite } from './tree/own.ts';
import { find, findLast, soughtByte } from './tree/search.ts';
import { TypedReads } from './typed-reads.ts';

/** Bytes as arguments: another aggregate, a string, or bytes. */
export type Content = ByteSequence | string | Bytes;

/** So far a byte is looked for one by one: the native search takes over then, which costs more to start. */
const NEAR_BYTES = 48;

/** The tree of a sequence, by another reference, which is the caller's; undefined for no bytes. O(1). */
export let shareTree: (sequence: ByteSequence) => Tree | undefined;

/** What can be read of an aggregate. Nothing here changes it, flattens it, or copies more than it says. */
export abstract class ByteSequence extends TypedReads implements Iterable<Buffer> {
  static {
    shareTree = sequence => {
      const tree = sequence.#tree;
      if (tree !== undefined) retain(tree);
      return tree;
    };
  }

  /** Makes structuredClone() and postMessage() say what it says: else they make an empty object. */
  protected readonly clone = UNCLONEABLE;
  /** Makes assert.deepEqual() tell one from another, whose bytes it cannot see: see {@link equals}. */
  protected readonly serial = ++made;
  #tree: Tree | undefined;
  /** The tree's length. */
  #length: number;
  #released = false;
  /** The positions that `window` covers, and where the first of them is in it. */
  #windowStart = 0;
  #windowEnd = -1;
  #windowIndex = 0;

  protected constructor(tree: Tree | undefined) {
    super();
    this.#tree = tree;
    this.#length = tree === undefined ? 0 : tree.length;
    if (leakDetector !== undefined && tree !== undefined) leakDetector.filled(this, tree.length);
  }

  /** The slices; undefined when there are none. Set by {@link change}, {@link grow} and {@link shift}. */
  protected get tree(): Tree | undefined {
    return this.#tree;
  }

  /** In bytes. O(1). */
  get length(): number {
    if (this.#released) this.checkAlive('measure');
    return this.#length;
  }

  /** Whether it was released. The only thing that may be asked of it then. */
  get released(): boolean {
    return this.#released;
  }

  /** The byte at a position: 0 to 255. O(1) near the last read, O(log slices) elsewhere. */
  at(position: number): number {
    const index = this.place(position, 1, 'read');
    return this.window[index] as number;
  }

  /**
   * Position of the first occurrence of a byte (0 to 255) or of content, that begins at `from` or later; -1
   * for none. `from` as in Buffer.indexOf: negative counts from the end. O(bytes and slices searched);
   * flattens nothing but the content looked for.
   * @param encoding of a string; default utf8
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createPool } from 'iolite';
   *
   * using pool = createPool();
   * using query = pool.from('name=Ada&born=1815');
   * const at = query.indexOf('born=');
   * assert.equal(query.toString('utf8', at + 5), '1815');
   * ```
   */
  indexOf(value: Content | number, from = 0, encoding: BufferEncoding = 'utf8'): number {
    if (this.#released) this.checkAlive('search');
    const length = this.#length;
    checkInteger(from, 'from', -MAX_BYTES, MAX_BYTES);
    const start = from < 0 ? Math.max(0, length + from) : from;
    const byte = soughtByte(value, encoding);
    if (byte !== undefined) return start >= length ? -1 : this.#findByte(byte, start);
    const needle = this.#needle(value as Content, encoding);
    if (needle.length === 0) return Math.min(start, length);
    return start + needle.length > length ? -1 : find(this.#tree, needle, start);
  }

  /**
   * Position of the last occurrence that begins at `from` or before; -1 for none. As {@link indexOf}.
   * @param from default: the end
   */
  lastIndexOf(value: Content | number, from = this.#length, encoding: BufferEncoding = 'utf8'): number {
    this.checkAlive('search');
    const length = this.#length;
    checkInteger(from, 'from', -MAX_BYTES, MAX_BYTES);
    const start = from < 0 ? length + from : Math.min(from, length);
    const byte = soughtByte(value, encoding);
    const needle = byte === undefined ? this.#needle(value as Content, encoding) : Buffer.of(byte);
    if (needle.length === 0) return Math.max(0, start);
    const last = Math.min(start, length - needle.length);
    return last < 0 ? -1 : findLast(this.#tree, needle, last + needle.length);
  }

  /** Whether a byte or content occurs at `from` or later. As {@link indexOf}. */
  includes(value: Content | number, from = 0, encoding: BufferEncoding = 'utf8'): boolean {
    return this.indexOf(value, from, encoding) !== -1;
  }

  /** Whether the first bytes are these. O(bytes compared). */
  startsWith(content: Content): boolean {
    const tree = this.#treeToRead(content, 'compare aggregate');
    const size = tree?.length ?? 0;
    return size <= this.length && compareRange(this.#tree, 0, tree, 0, size) === 0;
  }

  /** Whether the last bytes are these. O(bytes compared). */
  endsWith(content: Content): boolean {
    const tree = this.#treeToRead(content, 'compare aggregate');
    const size = tree?.length ?? 0;
    return size <= this.length && compareRange(this.#tree, this.length - size, tree, 0, size) === 0;
  }

  /** Whether the bytes are the same. O(bytes). */
  equals(content: Content): boolean {
    const tree = this.#treeToRead(content, 'compare aggregate');
    return this.length === (tree?.length ?? 0) && compareRange(this.#tree, 0, tree, 0, this.length) === 0;
  }

  /** -1, 0 or 1, as this sorts before, with or behind the other, byte by byte. O(bytes). */
  compare(content: Content): -1 | 0 | 1 {
    const tree = this.#treeToRead(content, 'compare aggregate');
    return compareRange(this.#tree, 0, tree, 0, MAX_BYTES);
  }

  /**
   * The bytes decoded, over borders of slices: what Buffer.toString gives for the flat bytes. O(bytes).
   * @param encoding default utf8
   * @param end one beyond the length counts as the length, as in Buffer
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createPool } from 'iolite';
   *
   * using pool = createPool();
   * using head = pool.from(Uint8Array.of(0xe2, 0x82)); // a character cut in two
   * using rest = pool.from(Uint8Array.of(0xac));
   * assert.equal(head.append(rest).toString(), '€');
   * ```
   */
  override toString(encoding: BufferEncoding = 'utf8', start = 0, end = this.#length): string {
    this.checkAlive('decode');
    if (encoding !== 'utf8') checkEncoding(encoding, 'decode aggregate');
    const stop = this.#checkRange(start, end);
    if (start === stop) return '';
    const index = this.place(start, 1, 'decode');
    const size = stop - start;
    // Most ranges lie in one slice, and to Buffer no encoding means utf8, without a look at its name.
    if (stop <= this.#windowEnd && size < LARGE_TEXT_BYTES)
      return this.window.toString(encoding === 'utf8' ? undefined : encoding, index, index + size);
    return decode(this.#tree, encoding, start, stop);
  }

  /** A copy of the bytes on the heap, the caller's to change. O(bytes). */
  toBuffer(): Buffer {
    if (this.#released) this.checkAlive('copy');
    return flatCopy(this.#tree, 0, this.#length);
  }

  /**
   * Copies the bytes from `start` to `end`, as many as there is room for, to `target` from `targetStart` on.
   * @returns how many were copied
   */
  copyTo(target: ArrayBufferView, targetStart = 0, start = 0, end = this.#length): number {
    this.checkAlive('copy');
    if (!isBytes(target) || target instanceof ArrayBuffer) {
      throw new ArgumentError(
        `Cannot copy aggregate: a view is wanted as target, ${describe(target)} was given`,
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
    this.checkAlive('list slices of');
    const slices: Slice[] = [];
    forEachSlice(this.#tree, slice => slices.push(slice));
    return slices;
  }

  /**
   * The bytes of its slices in order, for writev and the like. Copies nothing: the views show the memory
   * itself. Read them while the aggregate is unreleased, later they may show other bytes. Never write
   * them: a write into what was received ends the process with SIGSEGV, at once and without a word.
   * A byte stream that is given one takes it away from whoever else has it, but nothing from the aggregate.
   *
   * Of what a channel with `onWrite: 'copy'` received, they may be written: that changes this aggregate and
   * nothing else, for it gets pages of its own here: a copy below 64 KiB, else a mapping, some 20 us.
   */
  views(): Buffer[] {
    this.checkAlive('view');
    let mayWrite = false;
    const views: Buffer[] = [];
    forEachSlice(this.#tree, slice => {
      const { chunk } = slice.lease;
      if (chunk.mapToWrite === undefined) views.push(chunk.shown.subarray(slice.start, slice.end));
      else mayWrite = true;
    });
    if (!mayWrite) return views;
    const old = this.#tree as Tree;
    this.change(treeToWrite(old));
    release(old);
    return this.views();
  }

  /** For this library: as {@link views}, of memory that no program can move away, and nobody writes. */
  memory(): Buffer[] {
    this.checkAlive('view');
    const views: Buffer[] = [];
    forEachSlice(this.#tree, slice => views.push(slice.memory));
    return views;
  }

  /** {@link views}, one after the other. */
  [Symbol.iterator](): Iterator<Buffer> {
    return this.views()[Symbol.iterator]();
  }

  /** Another one of the same bytes, to be released on its own. O(1); copies nothing. */
  abstract duplicate(): ByteSequence;

  /** Gives the bytes back: buffers that nobody else refers to are recycled. @throws ERR_IOLITE_RELEASED */
  abstract release(): void;

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

  /** Sets another tree; the window no longer holds. */
  protected change(tree: Tree | undefined): void {
    this.#closeWindow();
    this.grow(tree);
  }

  /** Sets a tree that lacks the first `count` bytes; the window moves along. */
  protected shift(tree: Tree | undefined, count: number): void {
    this.#tree = tree;
    this.#length -= count;
    if (this.#windowEnd <= count) {
      this.#closeWindow();
      return;
    }
    this.#windowEnd -= count;
    this.#windowStart -= count;
    if (this.#windowStart >= 0) return;
    this.#windowIndex -= this.#windowStart;
    this.#windowStart = 0;
  }

  /** Sets a tree that begins with what was there. */
  protected grow(tree: Tree | undefined): void {
    this.#tree = tree;
    this.#length = tree === undefined ? 0 : tree.length;
    if (leakDetector !== undefined && tree !== undefined) leakDetector.filled(this, tree.length);
  }

  /** Marks it released. @returns the tree, whose reference is the caller's */
  protected end(): Tree | undefined {
    if (this.#released) this.checkAlive('release');
    this.#released = true;
    leakDetector?.released(this);
    endShown?.(this);
    const tree = this.#tree;
    this.#tree = undefined;
    if (this.#windowEnd !== -1) this.#closeWindow();
    return tree;
  }

  protected checkAlive(operation: string): void {
    if (!this.#released) return;
    throw new IoliteError('ERR_IOLITE_RELEASED', `Cannot ${operation} aggregate: it was released`);
  }

  /** Content as it was given, checked: a sequence, or what its bytes are to be copied from. */
  protected given(content: Content, encoding: BufferEncoding, operation: string): ByteSequence | CopySource {
    if (this.#released) this.checkAlive(operation.split(' ', 1)[0] as string);
    if (typeof content === 'string') {
      checkEncoding(encoding, operation);
      return { text: content, encoding };
    }
    if (ByteSequence.isSequence(content)) {
      if (!content.#released) return content;
      throw new IoliteError('ERR_IOLITE_RELEASED', `Cannot ${operation}: what was given was released`);
    }
    if (isBytes(content)) return bufferOver(content);
    const copy = bytesOfOtherCopy(content);
    if (copy !== undefined) return copy;
    throw refusedContent(operation, 'an Aggregate, a string or bytes are', content);
  }

  protected static isSequence(value: unknown): value is ByteSequence {
    return typeof value === 'object' && value !== null && #released in value;
  }

  #closeWindow(): void {
    this.#windowStart = 0;
    this.#windowEnd = -1;
    this.window = NOTHING;
  }

  #moveWindow(offset: number, size: number, operation: string): void {
    this.checkAlive(operation);
    checkInteger(offset, 'offset', 0, MAX_BYTES);
    if (offset + size > this.length) {
      throw new BoundsError(
        `Cannot ${operation} aggregate: bytes ${offset} to ${offset + size} are wanted, its ` +
          `length is ${this.length}`,
      );
    }
    let node = this.#tree as Tree;
    let start = 0;
    while (!(node instanceof Slice)) {
      const index = node.childAt(offset - start);
      start += node.startOf(index);
      node = node.children[index] as Tree;
    }
    const end = start + node.length;
    if (offset + size <= end) {
      this.window = node.lease.bytes;
      this.#windowStart = start;
      this.#windowEnd = end;
      this.#windowIndex = node.start;
    } else {
      // A copy is for this read only: bytes that were adopted may have changed by the next.
      this.window = flatCopy(this.#tree, offset, offset + size);
      this.#windowStart = offset;
      this.#windowEnd = -1;
      this.#windowIndex = 0;
    }
  }

  /** Position of a byte at `from`, which lies inside, or later; -1 for none. */
  #findByte(byte: number, from: number): number {
    for (let position = from; position < this.#length; position = this.#windowEnd) {
      const index = this.place(position, 1, 'search');
      const { window } = this;
      const end = index + this.#windowEnd - position;
      const near = Math.min(index + NEAR_BYTES, end);
      for (let at = index; at < near; at++) {
        if (window[at] === byte) return position + at - index;
      }
      if (near === end) continue;
      const found = window.subarray(near, end).indexOf(byte);
      if (found !== -1) return position + near - index + found;
    }
    return -1;
  }

  /** What to look for, flat; copied only if it is an aggregate of several slices. */
  #needle(content: Content, encoding: BufferEncoding): Buffer {
    const given = this.given(content, encoding, 'search aggregate');
    if (given instanceof ByteSequence)
      return given.#tree instanceof Slice ? given.#tree.memory : given.toBuffer();
    return 'text' in given ? Buffer.from(given.text, given.encoding) : given;
  }

  /** Content to be read and not kept: holds no reference, copies no bytes. */
  #treeToRead(content: Content, operation: string): Tree | undefined {
    const given = this.given(content, 'utf8', operation);
    if (given instanceof ByteSequence) return given.#tree;
    const bytes = 'text' in given ? Buffer.from(given.text, given.encoding) : given;
    return bytes.length === 0 ? undefined : new Slice(leaseOfAdopted(bytes), 0, bytes.length);
  }

  /** @returns the end, which may lie beyond the last byte as in Buffer */
  #checkRange(start: number, end: number): number {
    checkInteger(start, 'start', 0, this.length);
    checkInteger(end, 'end', start, MAX_BYTES);
    return Math.min(end, this.length);
  }
}

const MAX_BYTES = Number.MAX_SAFE_INTEGER;
const NOTHING = Buffer.alloc(0);

/** A symbol is the one primitive that cannot be cloned, and the error shows its description. */
const UNCLONEABLE = Symbol('An aggregate is passed by channel.send(), and shared by duplicate(). It');
/** How many aggregates were made. */
let made = 0;
