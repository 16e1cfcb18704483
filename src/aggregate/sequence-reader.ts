import { isBytes } from '../base/bytes.ts';
import { BoundsError, checkInteger, IoliteError } from '../base/error.ts';
import type { Content } from './byte-sequence.ts';
import type { DivisibleSequence } from './divisible-sequence.ts';
import { lineOf } from './lines.ts';

/** V8 folds constants of a module, and none that are imported: a line costs a twentieth less so. */
const LINE_END = 0x0a;

/** `ERR_IOLITE_INCOMPLETE`: the bytes end before what was to be read. Nothing was consumed. */
export class IncompleteError extends IoliteError {
  /** How many bytes more would have been enough. */
  readonly missing: number;

  constructor(wanted: number, remaining: number) {
    super('ERR_IOLITE_INCOMPLETE', `Cannot read ${wanted} bytes: ${remaining} are left`);
    this.missing = wanted - remaining;
  }
}

/** A cursor over a sequence that it owns, whose parts are of kind `Part`: see AggregateReader. */
export class SequenceReader<Part extends DivisibleSequence<Part>> {
  readonly #source: Part;
  #position: number;

  /** Takes over the sequence. Use aggregate.reader(). */
  constructor(source: Part, position = 0) {
    this.#source = source;
    this.#position = position;
  }

  /** Bytes consumed so far. */
  get position(): number {
    return this.#position;
  }

  /** Bytes left. */
  get remaining(): number {
    return this.#source.length - this.#position;
  }

  /** The next bytes, at most `count`, without consuming them. O(log slices). */
  peek(count: number): Part {
    checkInteger(count, 'count', 0, MAX_BYTES);
    return this.#source.slice(this.#position, Math.min(this.#position + count, this.#source.length));
  }

  /** The next bytes, at most `count`. O(log slices). */
  read(count: number): Part {
    const part = this.peek(count);
    this.#position += part.length;
    return part;
  }

  /** The next `count` bytes. O(log slices). */
  readExactly(count: number): Part {
    checkInteger(count, 'count', 0, MAX_BYTES);
    if (count > this.remaining) throw new IncompleteError(count, this.remaining);
    return this.read(count);
  }

  /** All that is left. */
  rest(): Part {
    return this.read(this.remaining);
  }

  /** Consumes `count` bytes. */
  skip(count: number): this {
    checkInteger(count, 'count', 0, MAX_BYTES);
    this.#advance(count);
    return this;
  }

  /** The next `count` bytes, decoded. */
  readString(count: number, encoding: BufferEncoding = 'utf8'): string {
    checkInteger(count, 'count', 0, MAX_BYTES);
    const { remaining } = this;
    if (count > remaining) throw new IncompleteError(count, remaining);
    const text = this.#source.toString(encoding, this.#position, this.#position + count);
    this.#position += count;
    return text;
  }

  /**
   * The bytes before the next delimiter, and consumes the delimiter too. Undefined, and nothing consumed,
   * when there is none.
   */
  readUntil(delimiter: Content | number): Part | undefined {
    const size = typeof delimiter === 'number' ? 1 : sizeOf(delimiter);
    if (size === 0)
      throw new BoundsError('Cannot read until delimiter: at least a byte is wanted, none was given');
    const end = this.#source.indexOf(delimiter, this.#position);
    if (end === -1) return undefined;
    const part = this.#source.slice(this.#position, end);
    this.#position = end + size;
    return part;
  }

  /**
   * The next line without its end (a newline, with or without a carriage return before it), which is consumed
   * too. Undefined, and nothing consumed, when no line is complete; {@link rest} has what is left then.
   */
  readLine(): Part | undefined {
    const end = this.#source.indexOf(LINE_END, this.#position);
    if (end === -1) return undefined;
    const line = lineOf(this.#source, this.#position, end);
    this.#position = end + 1;
    return line;
  }

  /** Another reader at the same position, to be moved and released on its own. O(1). */
  fork(): SequenceReader<Part> {
    return new SequenceReader(this.#source.duplicate(), this.#position);
  }

  /** Goes back, or forth, to a position. @throws ERR_IOLITE_RANGE outside of the bytes */
  rewind(position = 0): this {
    checkInteger(position, 'position', 0, this.#source.length);
    this.#position = position;
    return this;
  }

  /** Lets go of what it reads. */
  release(): void {
    this.#source.release();
  }

  /** For `using`: see {@link release}. */
  [Symbol.dispose](): void {
    if (!this.#source.released) this.release();
  }

  // Typed reads, of the names and with the values of Buffer's

  /** An unsigned integer of 1 byte. */
  readUInt8(): number {
    return this.#source.readUInt8(this.#advance(1));
  }

  /** A signed integer of 1 byte. */
  readInt8(): number {
    return this.#source.readInt8(this.#advance(1));
  }

  /** An unsigned integer of 2 bytes, little-endian. */
  readUInt16LE(): number {
    return this.#source.readUInt16LE(this.#advance(2));
  }

  /** An unsigned integer of 2 bytes, big-endian. */
  readUInt16BE(): number {
    return this.#source.readUInt16BE(this.#advance(2));
  }

  /** A signed integer of 2 bytes, little-endian. */
  readInt16LE(): number {
    return this.#source.readInt16LE(this.#advance(2));
  }

  /** A signed integer of 2 bytes, big-endian. */
  readInt16BE(): number {
    return this.#source.readInt16BE(this.#advance(2));
  }

  /** An unsigned integer of 4 bytes, little-endian. */
  readUInt32LE(): number {
    return this.#source.readUInt32LE(this.#advance(4));
  }

  /** An unsigned integer of 4 bytes, big-endian. */
  readUInt32BE(): number {
    return this.#source.readUInt32BE(this.#advance(4));
  }

  /** A signed integer of 4 bytes, little-endian. */
  readInt32LE(): number {
    return this.#source.readInt32LE(this.#advance(4));
  }

  /** A signed integer of 4 bytes, big-endian. */
  readInt32BE(): number {
    return this.#source.readInt32BE(this.#advance(4));
  }

  /** An unsigned integer of 8 bytes, little-endian. */
  readBigUInt64LE(): bigint {
    return this.#source.readBigUInt64LE(this.#advance(8));
  }

  /** An unsigned integer of 8 bytes, big-endian. */
  readBigUInt64BE(): bigint {
    return this.#source.readBigUInt64BE(this.#advance(8));
  }

  /** A signed integer of 8 bytes, little-endian. */
  readBigInt64LE(): bigint {
    return this.#source.readBigInt64LE(this.#advance(8));
  }

  /** A signed integer of 8 bytes, big-endian. */
  readBigInt64BE(): bigint {
    return this.#source.readBigInt64BE(this.#advance(8));
  }

  /** A number of 4 bytes, little-endian. */
  readFloatLE(): number {
    return this.#source.readFloatLE(this.#advance(4));
  }

  /** A number of 4 bytes, big-endian. */
  readFloatBE(): number {
    return this.#source.readFloatBE(this.#advance(4));
  }

  /** A number of 8 bytes, little-endian. */
  readDoubleLE(): number {
    return this.#source.readDoubleLE(this.#advance(8));
  }

  /** A number of 8 bytes, big-endian. */
  readDoubleBE(): number {
    return this.#source.readDoubleBE(this.#advance(8));
  }

  /**
   * An unsigned integer, little-endian.
   * @param byteLength 1 to 6
   */
  readUIntLE(byteLength: number): number {
    return this.#source.readUIntLE(this.#advanceWidth(byteLength), byteLength);
  }

  /**
   * An unsigned integer, big-endian.
   * @param byteLength 1 to 6
   */
  readUIntBE(byteLength: number): number {
    return this.#source.readUIntBE(this.#advanceWidth(byteLength), byteLength);
  }

  /**
   * A signed integer, little-endian.
   * @param byteLength 1 to 6
   */
  readIntLE(byteLength: number): number {
    return this.#source.readIntLE(this.#advanceWidth(byteLength), byteLength);
  }

  /**
   * A signed integer, big-endian.
   * @param byteLength 1 to 6
   */
  readIntBE(byteLength: number): number {
    return this.#source.readIntBE(this.#advanceWidth(byteLength), byteLength);
  }

  /** @returns the position before */
  #advance(count: number): number {
    const position = this.#position;
    const { remaining } = this;
    if (count > remaining) throw new IncompleteError(count, remaining);
    this.#position = position + count;
    return position;
  }

  #advanceWidth(byteLength: number): number {
    checkInteger(byteLength, 'byteLength', 1, 6);
    return this.#advance(byteLength);
  }
}

const MAX_BYTES = Number.MAX_SAFE_INTEGER;

function sizeOf(content: Content): number {
  if (typeof content === 'string') return Buffer.byteLength(content);
  return isBytes(content) ? content.byteLength : content.length;
}
