import { brand, isOfOtherCopy } from '../base/brand.ts';
import { type Bytes, bufferOver, isBytes } from '../base/bytes.ts';
import { clampPosition } from '../base/clamp.ts';
import { ArgumentError, BoundsError, checkInteger, describe } from '../base/error.ts';
import type { ChunkPool } from '../memory/chunk-pool.ts';
import { defaultPool } from '../memory/default-pool.ts';
import { leaseOfAdopted } from '../memory/heap-chunk.ts';
import { ByteSequence, type Content, shareTree } from './byte-sequence.ts';
import { SequenceReader } from './sequence-reader.ts';
import { SequentialReads } from './sequential-reads.ts';
import { Slice } from './slice.ts';
import { collectStream, type FromStreamOptions, type StreamLike } from './stream/from-stream.ts';
import { heightOf, release, retain, type Tree } from './tree/branch.ts';
import { copyRange } from './tree/copy.ts';
import { part, replace, split } from './tree/cut.ts';
import { commit, copyToPool } from './tree/fill.ts';
import { gatherAll, gatherAround, isScattered, keepsUnused } from './tree/gather.ts';
import { Tail } from './tree/tail.ts';
import { append, join } from './tree/tree.ts';
import { trimFront } from './tree/trim.ts';

/**
 * A buffer aggregate (IO-Lite, 3.2): a mutable ordered list of slices of immutable buffers. Changing the list
 * changes no buffer: what an aggregate shares with others, in this process and in others, stays as it is.
 *
 * Whoever is given an aggregate releases it (`release()` or `using`); the buffers go when nobody's aggregate
 * refers to them. Every operation on a released aggregate throws ERR_IOLITE_RELEASED. Positions are in bytes;
 * one that is no integer throws ERR_IOLITE_ARGUMENT, one outside throws ERR_IOLITE_RANGE. Operations that
 * need new memory throw what Pool.allocate throws. A failed operation changes nothing.
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { createPool } from 'iolite';
 *
 * using pool = createPool();
 * using greeting = pool.from('hello');
 * using other = greeting.duplicate(); // the same memory, another list
 * greeting.append(', world').write(0, 'J');
 * assert.equal(greeting.toString(), 'Jello, world');
 * assert.equal(other.toString(), 'hello');
 * ```
 */
export class Aggregate extends SequentialReads<Aggregate> {
  /** Where bytes that are put in are copied to. Inherited by what is made from this aggregate. */
  readonly #pool: ChunkPool | undefined;
  #tail: Tail | undefined;

  /** @internal Takes over a reference to the tree. Use a pool, {@link empty} or {@link concat}. */
  constructor(tree?: Tree, pool?: ChunkPool) {
    super(tree);
    this.#pool = pool;
  }

  /** An aggregate without bytes. */
  static empty(): Aggregate {
    return new Aggregate();
  }

  /**
   * A new aggregate of all of them in order. Shares their slices, copies nothing; strings and bytes are
   * copied. O(log slices) each. What is put in later goes to the pool of the first.
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
   * An aggregate over bytes that the caller has and promises never to change. Copies nothing. It lives on
   * this process's heap: channels refuse it until it is copied to a shared pool (see {@link compact}).
   */
  static adopt(bytes: Bytes): Aggregate {
    if (!isBytes(bytes))
      throw new ArgumentError(`Cannot adopt: bytes are wanted, ${describe(bytes)} was given`);
    const lease = leaseOfAdopted(bufferOver(bytes));
    if (lease.bytes.length === 0) return new Aggregate();
    lease.hold(lease.bytes.length);
    return new Aggregate(new Slice(lease, 0, lease.bytes.length));
  }

  /**
   * All bytes of a stream, in buffers of a pool; the caller releases the aggregate. The stream is read to its
   * end: a Readable of Node, a WHATWG ReadableStream, a Blob or File, a FileHandle (from where it stands; it
   * stays open), or any iterable of bytes, strings (taken as utf8) and aggregates, which are released.
   *
   * Files are read into the pool's memory directly, by fs.ReadStream too; of a byte stream a BYOB reader gets
   * the pieces; other bytes are copied once, small ones one behind the other. Aggregates share their slices.
   * Until it ends only `pool` and what the source holds take memory: the next piece is asked for when one is
   * taken.
   * @throws what the stream failed with, the reason of `signal`; ERR_IOLITE_LIMIT for more bytes than
   *   `limit`; ERR_IOLITE_ARGUMENT for what is no stream or holds other things; what Pool.allocate throws.
   *   The stream is destroyed or cancelled then, and everything given back
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createReadStream } from 'node:fs';
   * import { Aggregate, createPool } from 'iolite';
   *
   * using pool = createPool();
   * const file = createReadStream('package.json'); // read into the memory of the pool
   * using manifest = await Aggregate.fromStream(file, { pool, limit: 1_000_000 });
   * assert.equal(JSON.parse(manifest.toString()).name, 'iolite');
   * ```
   */
  static async fromStream(stream: StreamLike, options: FromStreamOptions): Promise<Aggregate> {
    const tree = await collectStream(stream, options);
    return new Aggregate(tree, options.pool.chunks);
  }

  /** Whether a value is an aggregate, released or not, and of this copy of iolite. */
  static isAggregate(value: unknown): value is Aggregate {
    return typeof value === 'object' && value !== null && #pool in value;
  }

  // Changing the list

  /**
   * Puts content behind the last byte. An aggregate's slices are shared and it stays as it is, O(log slices);
   * bytes and strings are copied, small ones one behind the other into common buffers, amortised O(bytes).
   * @param encoding of a string; default utf8
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createPool } from 'iolite';
   *
   * using pool = createPool();
   * using head = pool.from('HTTP/1.1 200 OK\r\n\r\n');
   * using page = pool.from('<p>hello</p>');
   * head.append(page); // no byte of the page is copied
   * assert(head.endsWith('\r\n\r\n<p>hello</p>'));
   * ```
   */
  append(content: Content, encoding: BufferEncoding = 'utf8'): this {
    const given = this.given(content, encoding, 'append to aggregate');
    if (!(given instanceof ByteSequence)) {
      this.#tail ??= new Tail(this.#pool ?? defaultPool());
      const slice = this.#tail.copy(given);
      if (slice !== undefined) this.grow(append(this.tree, slice));
    } else {
      const added = shareTree(given);
      if (added !== undefined)
        this.grow(added instanceof Slice ? append(this.tree, added) : join(this.tree, added));
    }
    return this;
  }

  /**
   * Puts content before the first byte. As {@link append}, but each copy gets a buffer of its own.
   */
  prepend(content: Content, encoding: BufferEncoding = 'utf8'): this {
    const added = this.#intake(content, encoding, 'prepend to aggregate');
    if (added !== undefined) this.change(join(added, this.tree));
    return this;
  }

  /** Drops all bytes from position `length` on. O(log slices); copies nothing. */
  truncate(length: number): this {
    this.#checkPosition(length, 'truncate', 'length');
    const [kept, dropped] = this.#cut(length);
    this.change(kept);
    if (dropped !== undefined) release(dropped);
    return this;
  }

  /** Drops the first `count` bytes. O(log slices + slices dropped); copies nothing. */
  trimStart(count: number): this {
    this.#checkPosition(count, 'trim', 'count');
    const { tree } = this;
    if (tree !== undefined) this.shift(trimFront(tree, count), count);
    return this;
  }

  /**
   * Keeps the bytes before `at` and returns the rest, which the caller releases. O(log slices); copies
   * nothing.
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createPool } from 'iolite';
   *
   * using pool = createPool();
   * using head = pool.from('name: value');
   * using value = head.split(head.indexOf(':') + 2);
   * assert.equal(head.toString(), 'name: ');
   * assert.equal(value.toString(), 'value');
   * ```
   */
  split(at: number): Aggregate {
    this.#checkPosition(at, 'split', 'position');
    const [kept, rest] = this.#cut(at);
    this.change(kept);
    return new Aggregate(rest, this.#pool);
  }

  /**
   * Replaces as many bytes as the content has, from `offset` on. The new values are in new buffers (or shared
   * with the content, if it is an aggregate); bytes outside are not copied, and others who share the old ones
   * keep them. O(log slices + bytes written).
   * @throws ERR_IOLITE_RANGE when the content would reach beyond the end
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createPool } from 'iolite';
   *
   * using pool = createPool();
   * using today = pool.from('2026-11-24');
   * using before = today.duplicate();
   * today.write(8, '25');
   * assert.equal(`${before} ${today}`, '2026-11-24 2026-11-25');
   * ```
   */
  write(offset: number, content: Content, encoding: BufferEncoding = 'utf8'): this {
    this.#checkPosition(offset, 'write', 'offset');
    const added = this.#intake(content, encoding, 'write to aggregate');
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
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createPool } from 'iolite';
   *
   * using pool = createPool();
   * using text = pool.from('Hello {name}!');
   * using removed = text.splice(6, 6, 'Ada');
   * assert.equal(text.toString(), 'Hello Ada!');
   * assert.equal(removed.toString(), '{name}');
   * ```
   */
  splice(start: number, deleteCount: number, ...contents: Content[]): Aggregate {
    this.#checkPosition(start, 'splice', 'start');
    checkInteger(deleteCount, 'deleteCount', 0, this.length - start);
    let added: Tree | undefined;
    try {
      for (const content of contents)
        added = join(added, this.#intake(content, 'utf8', 'splice into aggregate'));
    } catch (error) {
      if (added !== undefined) release(added);
      throw error;
    }
    return this.#replace(start, deleteCount, added) ?? new Aggregate(undefined, this.#pool);
  }

  /**
   * Copies the bytes into one buffer, so that the aggregate has one slice. Nothing happens when it has one
   * already, unless a pool is given: then the copy is made there; or unless little of what the slice keeps is
   * used, as of 10 bytes out of a buffer of 1 MiB: then the copy lets go of it.
   */
  compact(pool?: { readonly chunks: ChunkPool }): this {
    const { length } = this;
    const { tree } = this;
    if (length === 0) return this;
    const target = pool?.chunks ?? this.#pool ?? defaultPool();
    if (pool === undefined && tree instanceof Slice && !keepsUnused(tree, target)) return this;
    const reservation = target.reserve(length);
    copyRange(this.tree, reservation.bytes, 0, 0, length);
    const old = this.tree as Tree;
    this.change(commit(target, reservation, length));
    release(old);
    return this;
  }

  /** For this library: copies small slices together, until there are `most`, if that is said and can be. */
  gather(most?: number): this {
    const { tree } = this;
    // A few need no help, nor do many that are large.
    if (tree !== undefined && heightOf(tree) > 1 && (most !== undefined || isScattered(tree)))
      this.change(gatherAll(tree, this.#pool ?? defaultPool(), most));
    return this;
  }

  // Making others

  /**
   * The bytes from `start` to `end` as another aggregate, which the caller releases. O(log slices); copies
   * nothing. Positions as in Array.prototype.slice: negative ones count from the end, and they are clamped.
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createPool } from 'iolite';
   *
   * using pool = createPool();
   * using path = pool.from('/photos/1.jpeg');
   * using extension = path.slice(-4);
   * assert.equal(extension.toString(), 'jpeg');
   * ```
   */
  override slice(start = 0, end = Number.MAX_SAFE_INTEGER): Aggregate {
    this.checkAlive('slice');
    const limit = Number.MAX_SAFE_INTEGER;
    checkInteger(start, 'start', -limit, limit);
    checkInteger(end, 'end', -limit, limit);
    const from = clampPosition(start, this.length);
    const to = clampPosition(end, this.length);
    if (this.tree === undefined || from >= to) return new Aggregate(undefined, this.#pool);
    return new Aggregate(part(this.tree, from, to), this.#pool);
  }

  /** Another aggregate of the same bytes, to be changed and released on its own. O(1); copies nothing. */
  override duplicate(): Aggregate {
    if (this.released) this.checkAlive('duplicate');
    if (this.tree !== undefined) retain(this.tree);
    return new Aggregate(this.tree, this.#pool);
  }

  /**
   * A cursor over the bytes as they are now, which the caller releases. O(1); copies nothing.
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createPool } from 'iolite';
   *
   * using pool = createPool();
   * using packet = pool.from(Uint8Array.of(0, 2, 111, 107));
   * using reader = packet.reader();
   * assert.equal(reader.readString(reader.readUInt16BE()), 'ok');
   * ```
   */
  reader(): AggregateReader {
    return new AggregateReader(this.duplicate());
  }

  // Ending

  override release(): void {
    const tree = this.end();
    this.#tail?.close();
    if (tree !== undefined) release(tree);
  }

  /** Splits the tree, whose reference is the caller's from here on. */
  #cut(at: number): [Tree | undefined, Tree | undefined] {
    return this.tree === undefined ? [undefined, undefined] : split(this.tree, at);
  }

  /** @returns what was there; nothing if no byte was */
  #replace(start: number, count: number, added: Tree | undefined): Aggregate | undefined {
    const { tree, removed } = replace(this.tree, start, count, added);
    const at = Math.min(start, (tree?.length ?? 0) - 1);
    this.change(tree && gatherAround(tree, at, this.#pool ?? defaultPool()));
    return removed === undefined ? undefined : new Aggregate(removed, this.#pool);
  }

  /** Content as a tree whose reference is the caller's. */
  #intake(content: Content, encoding: BufferEncoding, operation: string): Tree | undefined {
    const given = this.given(content, encoding, operation);
    if (!(given instanceof ByteSequence)) return copyToPool(this.#pool ?? defaultPool(), given);
    return shareTree(given);
  }

  #checkPosition(position: number, operation: string, name: string): void {
    this.checkAlive(operation);
    checkInteger(position, name, 0, this.length);
  }
}

/**
 * A cursor over an aggregate as it was when the reader was made: later changes of the aggregate do not reach
 * it. Holds a reference; release it (`release()` or `using`). Aggregates that it returns share the bytes
 * and copy nothing; the caller releases them.
 *
 * A read beyond the end throws {@link IncompleteError} and moves nothing; every operation after release()
 * throws ERR_IOLITE_RELEASED.
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { createPool, IncompleteError } from 'iolite';
 *
 * using pool = createPool();
 * using received = pool.from('PING\r\nDATA 5\r\nhel');
 * using reader = received.reader();
 * using command = reader.readLine();
 * assert.equal(command?.toString(), 'PING');
 * using announcement = reader.readLine();
 * const size = Number(announcement?.toString('latin1', 5));
 * assert.throws(
 *   () => reader.readExactly(size),
 *   error => error instanceof IncompleteError && error.missing === 2,
 * );
 * ```
 */
export type AggregateReader = SequenceReader<Aggregate>;
/** The class itself: one that extends it would make a reader a third dearer. */
export const AggregateReader = SequenceReader<Aggregate>;
Object.defineProperty(AggregateReader, 'name', { value: 'AggregateReader' });

function isContent(value: unknown): boolean {
  return typeof value === 'string' || isBytes(value) || Aggregate.isAggregate(value) || isOfOtherCopy(value);
}

// No aggregate is a promise. Said here, `await` finds that at once and not behind the last of the prototypes,
// which takes a fifth of the time of an awaited hit of a cache.
Object.defineProperty(Aggregate.prototype, 'then', { value: undefined });

brand(Aggregate);
