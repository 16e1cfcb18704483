import fs, { ReadStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { abortable } from '../../base/abortable.ts';
import { ArgumentError, IoliteError } from '../../base/error.ts';
import { ignore } from '../../base/ignore.ts';
import type { Tree } from '../tree/branch.ts';
import type { Collector } from './collector.ts';

/** A regular file that can be read straight into buffers of a pool. */
export interface FileSource {
  /** Bytes to come, as far as its size tells. */
  readonly expected: number;
  /** @returns how many bytes were read; none at the end */
  read(target: Buffer): Promise<number>;
  /** All was read. */
  end(): void;
  /** No more will be read. */
  cancel(): void;
}

/**
 * Read at once where the size tells no more: to see the end, or what was added, or what has no size (/proc).
 */
export const BEYOND_BYTES = 16 * 1024;

/**
 * The file behind a FileHandle, or behind a stream of node:fs that nobody has begun to read. Undefined for
 * anything else, and for streams of pipes and devices: reading these may wait, and cannot be taken back.
 * @throws what opening the file failed with
 */
export async function fileOf(
  stream: unknown,
  signal: AbortSignal | undefined,
): Promise<FileSource | undefined> {
  if (isFileHandle(stream)) return handleSource(stream);
  if (!(stream instanceof ReadStream) || !isUntouched(stream)) return undefined;
  try {
    const fd = await abortable(opened(stream), signal);
    if (stream.destroyed) throw closedEarly(stream);
    const file = new ReadStreamFile(stream, fd);
    return (await file.measure()) ? file : undefined;
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

/**
 * Reads a file to its end: the kernel writes to the pool's memory, and nothing else copies.
 * @returns the tree of its bytes, whose reference is the caller's; undefined when there are none
 */
export async function readFile(
  file: FileSource,
  collector: Collector,
  signal: AbortSignal | undefined,
): Promise<Tree | undefined> {
  let reading: Promise<number> | undefined;
  const beyond = Buffer.allocUnsafe(BEYOND_BYTES);
  try {
    signal?.throwIfAborted();
    for (;;) {
      const { expected } = file;
      const room = expected > 0 ? collector.room(expected) : beyond;
      reading = file.read(room);
      const count = await abortable(reading, signal);
      reading = undefined;
      if (count === 0) break;
      if (room === beyond) collector.add(beyond.subarray(0, count));
      else collector.advance(count);
    }
    const whole = collector.finish();
    file.end();
    return whole;
  } catch (error) {
    file.cancel();
    // The kernel may still be writing to the room, which must not be another's before that is over.
    await reading?.catch(ignore);
    collector.discard();
    throw error;
  }
}

function isFileHandle(value: unknown): value is FileHandle {
  return (
    typeof value === 'object' &&
    value !== null &&
    'fd' in value &&
    typeof value.fd === 'number' &&
    'createReadStream' in value
  );
}

/** From where the handle stands. It is the caller's to close. */
async function handleSource(handle: FileHandle): Promise<FileSource> {
  const stat = await handle.stat();
  if (!stat.isFile()) {
    throw new ArgumentError(
      'Cannot collect stream: a handle of a regular file is wanted; give handle.createReadStream() of others',
    );
  }
  let expected = stat.size;
  return {
    get expected() {
      return expected;
    },
    read: async target => {
      const { bytesRead } = await handle.read(target, 0, target.length, null);
      expected -= bytesRead;
      return bytesRead;
    },
    end: ignore,
    cancel: ignore,
  };
}

/** What a stream of node:fs has beside its documented properties. */
interface Internals {
  readonly fd: number | null;
  /** Where to read next; undefined: where the descriptor stands. */
  pos: number | undefined;
  /** The last byte to read. */
  readonly end: number;
  bytesRead: number;
  readonly autoClose: boolean;
}

/** Whether nothing was read yet, nor is to be read in another way than plainly. */
function isUntouched(stream: ReadStream): boolean {
  return (
    internal(stream, 'kFs') === fs &&
    internal(stream, 'kIsPerformingIO') === false &&
    (stream as unknown as Internals).autoClose &&
    !stream.destroyed &&
    stream.bytesRead === 0 &&
    stream.readableFlowing === null &&
    stream.readableEncoding === null
  );
}

/** The value under a symbol of that description. Were Node to call it otherwise, streams are read as any. */
function internal(stream: ReadStream, description: string): unknown {
  const symbol = Object.getOwnPropertySymbols(stream).find(each => each.description === description);
  return symbol === undefined ? undefined : Reflect.get(stream, symbol);
}

function opened(stream: ReadStream): Promise<number> {
  // Whoever destroys the stream with an error from now on has it told to us by `errored`.
  stream.on('error', ignore);
  return new Promise((resolve, reject) => {
    const { fd } = stream as unknown as Internals;
    if (fd !== null) {
      resolve(fd);
      return;
    }
    stream.once('open', resolve);
    stream.once('error', reject);
    stream.once('close', () => reject(closedEarly(stream)));
  });
}

/** Reads the file of a stream instead of the stream itself. */
class ReadStreamFile implements FileSource {
  readonly #stream: ReadStream;
  readonly #internals: Internals;
  readonly #fd: number;
  /** Bytes that the stream is to read yet; and of these, those that the file's size tells of. */
  #left: number;
  #expected = 0;
  /** The call to the system that is under way, or was last. */
  #call: Promise<unknown> = Promise.resolve();

  constructor(stream: ReadStream, fd: number) {
    this.#stream = stream;
    this.#internals = stream as unknown as Internals;
    this.#fd = fd;
    this.#left = this.#internals.end - (this.#internals.pos ?? 0) + 1;
    const destroy = stream._destroy;
    // As the stream does itself: the descriptor is not closed under a call, which could meet its successor.
    stream._destroy = (error, done) => {
      void this.#call.then(() => destroy.call(stream, error, done));
    };
  }

  get expected(): number {
    return this.#expected;
  }

  /** Finds out what to expect. @returns whether it is a regular file */
  async measure(): Promise<boolean> {
    const stat = await this.#during(promisify(fs.fstat)(this.#fd));
    this.#expected = Math.min(stat.size - (this.#internals.pos ?? 0), this.#left);
    return stat.isFile();
  }

  async read(target: Buffer): Promise<number> {
    if (this.#stream.destroyed) throw closedEarly(this.#stream);
    const length = Math.min(target.length, this.#left);
    if (length === 0) return 0;
    const { pos = null } = this.#internals;
    const { bytesRead } = await this.#during(promisify(fs.read)(this.#fd, target, 0, length, pos));
    this.#left -= bytesRead;
    this.#expected -= bytesRead;
    this.#internals.bytesRead += bytesRead;
    if (pos !== null) this.#internals.pos = pos + bytesRead;
    return bytesRead;
  }

  end(): void {
    this.#stream.push(null);
    this.#stream.resume();
  }

  cancel(): void {
    this.#stream.destroy();
  }

  #during<T>(call: Promise<T>): Promise<T> {
    this.#call = call.catch(ignore);
    return call;
  }
}

function closedEarly(stream: ReadStream): Error {
  return (
    stream.errored ??
    new IoliteError('ERR_STREAM_PREMATURE_CLOSE', 'Cannot collect stream: it was closed before its end')
  );
}
