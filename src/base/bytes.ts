import { types } from 'node:util';
import { ArgumentError, describe } from './error.ts';

/** What counts as bytes to be read or copied: a Uint8Array (so a Buffer), or an ArrayBuffer. */
export function isBytes(value: unknown): value is Uint8Array | ArrayBuffer {
  return types.isUint8Array(value) || types.isAnyArrayBuffer(value);
}

/**
 * A Buffer over the caller's bytes; copies nothing, and trusts no getter that a subclass may have changed.
 */
export function bufferOver(bytes: Uint8Array | ArrayBuffer): Buffer {
  if (!types.isUint8Array(bytes)) return Buffer.from(bytes);
  if (Object.getPrototypeOf(bytes) === Buffer.prototype) return bytes as Buffer;
  const { buffer, byteOffset, byteLength } = slots;
  return Buffer.from(buffer.call(bytes), byteOffset.call(bytes), byteLength.call(bytes));
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
const slots = {
  buffer: getter('buffer') as (this: Uint8Array) => ArrayBuffer,
  byteOffset: getter('byteOffset') as (this: Uint8Array) => number,
  byteLength: getter('byteLength') as (this: Uint8Array) => number,
};

function getter(name: string): unknown {
  return Object.getOwnPropertyDescriptor(typedArray, name)?.get;
}

/** Throws ERR_IOLITE_ARGUMENT unless `encoding` is one that Buffer knows. */
export function checkEncoding(encoding: unknown, operation: string): asserts encoding is BufferEncoding {
  if (typeof encoding === 'string' && Buffer.isEncoding(encoding)) return;
  throw new ArgumentError(`Cannot ${operation}: an encoding is wanted, ${describe(encoding)} was given`);
}
