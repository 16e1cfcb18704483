import { Blob } from 'node:buffer';
import type { Readable } from 'node:stream';
import type { InspectOptionsStylized } from 'node:util';
import { checkEncoding } from '../base/bytes.ts';
import { ArgumentError, describe } from '../base/error.ts';
import { hexOf, INSPECT } from '../base/inspect.ts';
import { ByteSequence } from './byte-sequence.ts';
import type { DivisibleSequence } from './divisible-sequence.ts';
import { linesOf } from './lines.ts';
import { Slice } from './slice.ts';
import { readableOf, type ToReadableOptions } from './stream/to-readable.ts';
import { readableStreamOf, type ToReadableStreamOptions } from './stream/to-readable-stream.ts';
import { contiguousBytes } from './tree/contiguous.ts';
import { type DigestAlgorithm, digestOf } from './tree/digest.ts';
import { newlinesOf } from './tree/newlines.ts';

/**
 * Reading an aggregate in order, at the reader's own pace: through a duplicate, which later changes do not
 * reach. Lines copy nothing. Streams are for what knows no aggregates, at the price of a copy.
 *
 * `Part` says of what kind its parts are: aggregates, which are built on this and not known here.
 */
export abstract class SequentialReads<Part extends DivisibleSequence<Part>>
  extends ByteSequence
  implements DivisibleSequence<Part>
{
  abstract slice(start?: number, end?: number): Part;
  abstract override duplicate(): Part;

  /**
   * Its lines in order, each without its end (a newline, with or without a carriage return before it) and for
   * the consumer to release. Copies nothing. Changes made meanwhile do not reach the iteration.
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createPool } from 'iolite';
   *
   * using pool = createPool();
   * using log = pool.from('GET /\r\nGET /about\n');
   * const paths: string[] = [];
   * for (using line of log.lines()) paths.push(line.toString('latin1', 4));
   * assert.deepEqual(paths, ['/', '/about']);
   * ```
   */
  lines(): Iterable<Part> {
    this.checkAlive('read lines of');
    return { [Symbol.iterator]: () => linesOf(this.duplicate()) };
  }

  /**
   * A Readable of Node over the bytes as they are now: later changes, and release(), do not reach it. It
   * holds the buffers until it ended or is destroyed. O(bytes): each piece is a copy, which its consumers may
   * keep as long as they like, of at most `highWaterMark` bytes, and no more than these are copied ahead. A
   * copy costs 0.1 ms a MiB; sendAggregate() writes to a stream without.
   * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { buffer } from 'node:stream/consumers';
   * import { createGunzip, createGzip } from 'node:zlib';
   * import { createPool } from 'iolite';
   *
   * using pool = createPool();
   * using log = pool.from('GET /\n'.repeat(10_000));
   * const zipped = log.toReadable().pipe(createGzip());
   * const unzipped = await buffer(zipped.pipe(createGunzip()));
   * assert(log.equals(unzipped));
   * ```
   */
  toReadable(options?: ToReadableOptions): Readable {
    return readableOf(this, options);
  }

  /**
   * A WHATWG stream of bytes over the bytes as they are now; as {@link toReadable}. A BYOB reader has them
   * copied into its own view, once; any other gets copies of at most 64 KiB. Nothing is copied ahead by
   * default.
   * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createPool } from 'iolite';
   *
   * using pool = createPool();
   * using page = pool.from('<p>hello</p>');
   * const reader = page.toReadableStream().getReader({ mode: 'byob' });
   * const { value } = await reader.read(new Uint8Array(3));
   * assert.equal(Buffer.from(value!).toString(), '<p>');
   * await reader.cancel(); // or read to the end: either gives the buffers back
   * ```
   */
  toReadableStream(options?: ToReadableStreamOptions): ReadableStream<Uint8Array> {
    return readableStreamOf(this, options);
  }

  /**
   * A Blob with a copy of the bytes. O(bytes).
   * @param type its media type; default none
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createPool } from 'iolite';
   *
   * using pool = createPool();
   * using greeting = pool.from('hello');
   * const blob = greeting.toBlob('text/plain');
   * assert.equal(await blob.text(), 'hello');
   * ```
   */
  toBlob(type = ''): Blob {
    if (typeof type !== 'string') {
      throw new ArgumentError(`Cannot make blob: a media type is wanted, ${describe(type)} was given`);
    }
    // The constructor copies the parts.
    return new Blob(this.memory(), { type });
  }

  /**
   * A digest of the bytes: crc32, or any hash of this Node (sha1, sha256, blake2b512, ...). Kept while the
   * buffers live, by their identity: crc32 for each slice, so that what was put together of known slices
   * costs nothing; others for the list of slices. From 16 KiB on what the domain that owns the buffers knows
   * is known to all that hold them, and believed if it is of the same user. O(bytes not known).
   * @param encoding of the result; 'buffer' for a Buffer of its own. Default hex
   * @throws ERR_IOLITE_ARGUMENT
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createPool } from 'iolite';
   *
   * using pool = createPool();
   * using page = pool.from('<p>hello</p>');
   * using copy = page.duplicate();
   * const etag = page.digest('sha256', 'base64url');
   * assert.equal(copy.digest('sha256', 'base64url'), etag); // known: the bytes are the same memory
   * ```
   */
  digest(algorithm: DigestAlgorithm, encoding?: 'hex' | 'base64' | 'base64url'): string;
  digest(algorithm: DigestAlgorithm, encoding: 'buffer'): Buffer;
  digest(algorithm: DigestAlgorithm, encoding: BufferEncoding | 'buffer' = 'hex'): string | Buffer {
    if (encoding !== 'buffer') checkEncoding(encoding, 'digest aggregate');
    const digest = digestOf(this.slices(), algorithm);
    return encoding === 'buffer' ? Buffer.from(digest) : digest.toString(encoding);
  }

  /**
   * How many lines {@link lines} gives. Kept for each slice by the identity of its bytes, as crc32 of
   * {@link digest} is. O(bytes not known).
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createPool } from 'iolite';
   *
   * using pool = createPool();
   * using log = pool.from('GET /\nGET /about\nGET');
   * assert.equal(log.countLines(), 3);
   * ```
   */
  countLines(): number {
    const { length } = this;
    const newlines = newlinesOf(this.slices());
    return length > 0 && this.at(length - 1) !== NEWLINE ? newlines + 1 : newlines;
  }

  /**
   * All bytes in one view, for parsers and native code. Of one slice it is that of {@link views}. Of more,
   * the whole pages of buffers of shared memory are mapped side by side, and only what does not fill pages,
   * or lies at another place in them, is copied. If nothing can be mapped it is a copy on the heap.
   *
   * It shows the bytes as they are now, whatever is changed later. Read it while the aggregate is unreleased:
   * mapped, it reads as zeros afterwards. Never write it: that may end the process with SIGSEGV, or change
   * what others see. It holds the buffers until the release. Costs some microseconds a slice that is mapped,
   * and what the copy takes; asked for again, nothing.
   * @throws ERR_IOLITE_RANGE beyond 4 GiB; SystemError: ENOMEM
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createPool } from 'iolite';
   *
   * using pool = createPool();
   * using body = pool.from(Buffer.alloc(1024 ** 2, 'a'));
   * using rest = pool.from(Buffer.alloc(1024 ** 2, 'b'));
   * body.append(rest);
   * const view = body.contiguous(); // copies nothing: both begin and end with a page
   * assert.equal(view.indexOf('b'.charCodeAt(0)), 1024 ** 2);
   * ```
   */
  contiguous(): Uint8Array {
    this.checkAlive('view');
    const { tree } = this;
    if (tree === undefined || tree instanceof Slice) return this.views()[0] ?? Buffer.alloc(0);
    return contiguousBytes(this, tree);
  }

  /** What Buffer gives: `{ type: 'Buffer', data: [...] }`, a number for each byte. O(bytes). */
  toJSON(): { type: 'Buffer'; data: number[] } {
    return this.toBuffer().toJSON();
  }

  /** For Buffer.from(), and whoever makes bytes by it: a copy of the bytes. */
  override valueOf(): Buffer {
    return this.toBuffer();
  }

  /** What util.inspect() and console.log() print: the length and the first bytes. */
  [INSPECT](_depth: number, { stylize }: InspectOptionsStylized): string {
    const name = this.constructor.name;
    if (this.released) return `${name} <${stylize('released', 'special')}>`;
    const memory = this.memory();
    const slices = `${memory.length} slice${memory.length === 1 ? '' : 's'}`;
    return `${name}(${this.length}) [${stylize(slices, 'special')}] <${hexOf(memory)}>`;
  }
}

const NEWLINE = 0x0a;
