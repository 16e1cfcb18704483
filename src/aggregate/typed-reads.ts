import { checkInteger } from '../base/error.ts';

/**
 * Typed reads over borders of slices, under the names and with the values of Buffer's. A read inside one
 * slice costs what Buffer's costs; one over a border gathers its bytes first, and looking a slice up costs
 * O(log slices). Each throws ERR_IOLITE_RELEASED, ERR_IOLITE_ARGUMENT, and ERR_IOLITE_RANGE when the bytes do
 * not all lie inside.
 */
export abstract class TypedReads {
  // Private, so that whatever prints or copies fields finds no chunk here.
  #window: Buffer = NOTHING;

  /**
   * Bytes that hold what is to be read: after {@link place}, at the index that it returned.
   * @internal
   */
  protected get window(): Buffer {
    return this.#window;
  }

  /** @internal */
  protected set window(bytes: Buffer) {
    this.#window = bytes;
  }

  /**
   * Sees to it that `window` holds `size` bytes from `offset` on. @returns their index in it
   * @internal
   */
  protected abstract place(offset: number, size: number, operation: string): number;

  /** An unsigned integer of 1 byte. */
  readUInt8(offset: number): number {
    const at = this.place(offset, 1, 'readUInt8');
    return this.#window[at] as number;
  }

  /** A signed integer of 1 byte. */
  readInt8(offset: number): number {
    const at = this.place(offset, 1, 'readInt8');
    return this.#window.readInt8(at);
  }

  /** An unsigned integer of 2 bytes, little-endian. */
  readUInt16LE(offset: number): number {
    const at = this.place(offset, 2, 'readUInt16LE');
    return this.#window.readUInt16LE(at);
  }

  /** An unsigned integer of 2 bytes, big-endian. */
  readUInt16BE(offset: number): number {
    const at = this.place(offset, 2, 'readUInt16BE');
    return this.#window.readUInt16BE(at);
  }

  /** A signed integer of 2 bytes, little-endian. */
  readInt16LE(offset: number): number {
    const at = this.place(offset, 2, 'readInt16LE');
    return this.#window.readInt16LE(at);
  }

  /** A signed integer of 2 bytes, big-endian. */
  readInt16BE(offset: number): number {
    const at = this.place(offset, 2, 'readInt16BE');
    return this.#window.readInt16BE(at);
  }

  /** An unsigned integer of 4 bytes, little-endian. */
  readUInt32LE(offset: number): number {
    const at = this.place(offset, 4, 'readUInt32LE');
    return this.#window.readUInt32LE(at);
  }

  /** An unsigned integer of 4 bytes, big-endian. */
  readUInt32BE(offset: number): number {
    const at = this.place(offset, 4, 'readUInt32BE');
    return this.#window.readUInt32BE(at);
  }

  /** A signed integer of 4 bytes, little-endian. */
  readInt32LE(offset: number): number {
    const at = this.place(offset, 4, 'readInt32LE');
    return this.#window.readInt32LE(at);
  }

  /** A signed integer of 4 bytes, big-endian. */
  readInt32BE(offset: number): number {
    const at = this.place(offset, 4, 'readInt32BE');
    return this.#window.readInt32BE(at);
  }

  /** An unsigned integer of 8 bytes, little-endian. */
  readBigUInt64LE(offset: number): bigint {
    const at = this.place(offset, 8, 'readBigUInt64LE');
    return this.#window.readBigUInt64LE(at);
  }

  /** An unsigned integer of 8 bytes, big-endian. */
  readBigUInt64BE(offset: number): bigint {
    const at = this.place(offset, 8, 'readBigUInt64BE');
    return this.#window.readBigUInt64BE(at);
  }

  /** A signed integer of 8 bytes, little-endian. */
  readBigInt64LE(offset: number): bigint {
    const at = this.place(offset, 8, 'readBigInt64LE');
    return this.#window.readBigInt64LE(at);
  }

  /** A signed integer of 8 bytes, big-endian. */
  readBigInt64BE(offset: number): bigint {
    const at = this.place(offset, 8, 'readBigInt64BE');
    return this.#window.readBigInt64BE(at);
  }

  /** A number of 4 bytes, little-endian. */
  readFloatLE(offset: number): number {
    const at = this.place(offset, 4, 'readFloatLE');
    return this.#window.readFloatLE(at);
  }

  /** A number of 4 bytes, big-endian. */
  readFloatBE(offset: number): number {
    const at = this.place(offset, 4, 'readFloatBE');
    return this.#window.readFloatBE(at);
  }

  /** A number of 8 bytes, little-endian. */
  readDoubleLE(offset: number): number {
    const at = this.place(offset, 8, 'readDoubleLE');
    return this.#window.readDoubleLE(at);
  }

  /** A number of 8 bytes, big-endian. */
  readDoubleBE(offset: number): number {
    const at = this.place(offset, 8, 'readDoubleBE');
    return this.#window.readDoubleBE(at);
  }

  /**
   * An unsigned integer, little-endian.
   * @param byteLength 1 to 6
   */
  readUIntLE(offset: number, byteLength: number): number {
    const at = this.place(offset, width(byteLength), 'readUIntLE');
    return this.#window.readUIntLE(at, byteLength);
  }

  /**
   * An unsigned integer, big-endian.
   * @param byteLength 1 to 6
   */
  readUIntBE(offset: number, byteLength: number): number {
    const at = this.place(offset, width(byteLength), 'readUIntBE');
    return this.#window.readUIntBE(at, byteLength);
  }

  /**
   * A signed integer, little-endian.
   * @param byteLength 1 to 6
   */
  readIntLE(offset: number, byteLength: number): number {
    const at = this.place(offset, width(byteLength), 'readIntLE');
    return this.#window.readIntLE(at, byteLength);
  }

  /**
   * A signed integer, big-endian.
   * @param byteLength 1 to 6
   */
  readIntBE(offset: number, byteLength: number): number {
    const at = this.place(offset, width(byteLength), 'readIntBE');
    return this.#window.readIntBE(at, byteLength);
  }
}

const NOTHING = Buffer.alloc(0);

function width(byteLength: number): number {
  checkInteger(byteLength, 'byteLength', 1, 6);
  return byteLength;
}
