import { types } from 'node:util';
import { ArgumentError, describe } from './error.ts';

/**
 * Bytes of the caller's: those that a view shows, be it a Uint8Array (so a Buffer), another typed array or a
 * DataView; or all of an ArrayBuffer or SharedArrayBuffer.
 */
export type Bytes = ArrayBufferView | ArrayBufferLike;

/** What counts as bytes to be read or copied. */
export function isBytes(value: unknown): value is Bytes {
  return ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value);
}

/**
 * A Buffer over the caller's bytes; copies nothing, and trusts no getter that a subclass may have changed.
 */
export function bufferOver(bytes: Bytes): Buffer {
  if (!ArrayBuffer.isView(bytes)) return Buffer.from(bytes as ArrayBuffer);
  if (Object.getPrototypeOf(bytes) === Buffer.prototype) return bytes as Buffer;
  const { buffer, byteOffset, byteLength } = types.isTypedArray(bytes) ? ofTypedArrays : ofDataViews;
  return Buffer.from(buffer.call(bytes), byteOffset.call(bytes), byteLength.call(bytes));
}

/** What a view itself says of where it lies. */
interface Slots {
  readonly buffer: (this: ArrayBufferView) => ArrayBuffer;
  readonly byteOffset: (this: ArrayBufferView) => number;
  readonly byteLength: (this: ArrayBufferView) => number;
}

const ofTypedArrays = slotsOf(Object.getPrototypeOf(Uint8Array.prototype));
const ofDataViews = slotsOf(DataView.prototype);

function slotsOf(prototype: object): Slots {
  const getter = (name: keyof Slots): unknown => Object.getOwnPropertyDescriptor(prototype, name)?.get;
  const getters = { buffer: getter('buffer'), byteOffset: getter('byteOffset') };
  return { ...getters, byteLength: getter('byteLength') } as Slots;
}

/** Throws ERR_IOLITE_ARGUMENT unless `encoding` is one that Buffer knows. */
export function checkEncoding(encoding: unknown, operation: string): asserts encoding is BufferEncoding {
  if (typeof encoding === 'string' && Buffer.isEncoding(encoding)) return;
  throw new ArgumentError(`Cannot ${operation}: an encoding is wanted, ${describe(encoding)} was given`);
}
