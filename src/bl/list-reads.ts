import { Aggregate } from '../aggregate/aggregate.ts';
import type { ListBytes } from './list-bytes.ts';

/** Under this key a list keeps its bytes, so that no name of a subclass or of a stream collides with it. */
export const BYTES: unique symbol = Symbol('bytes');

type Sign = '' | 'U';
type Sized = `${Sign}Int16` | `${Sign}Int32` | `Big${Sign}Int64` | 'Float' | 'Double';
type ReadName = `read${Sign}Int8` | `read${Sized | `${Sign}Int`}${'LE' | 'BE'}`;
type Read = (offset?: number, byteLength?: number) => number | bigint;

interface Readable {
  readonly [BYTES]: ListBytes;
  slice(start?: number, end?: number): Buffer;
}

/**
 * Values by the middle of their methods' names, and their bytes; the reads named Int take that as an
 * argument.
 */
const WIDTHS: readonly (readonly [Sized | `${Sign}Int`, number | undefined])[] = [
  ['Int16', 2],
  ['UInt16', 2],
  ['Int32', 4],
  ['UInt32', 4],
  ['BigInt64', 8],
  ['BigUInt64', 8],
  ['Float', 4],
  ['Double', 8],
  ['Int', undefined],
  ['UInt', undefined],
];

class Reads {}

define('readInt8', 1);
define('readUInt8', 1);
for (const [kind, width] of WIDTHS) {
  define(`read${kind}LE`, width);
  define(`read${kind}BE`, width);
}

function define(name: ReadName, width: number | undefined): void {
  const read = Aggregate.prototype[name] as Read;
  function typedRead(this: Readable, given?: number, byteLength?: number): number | bigint {
    const offset = width !== undefined && given === undefined ? 0 : (given as number);
    const size = width ?? (byteLength as number);
    const bytes = this[BYTES];
    const isPlain = Number.isInteger(offset) && offset >= 0 && offset + size <= bytes.length;
    if (isPlain && (size === width || (size >= 1 && size <= 6 && Number.isInteger(size)))) {
      return read.call(bytes, offset, size);
    }
    return (this.slice(offset, offset + size)[name] as Read)(0, byteLength);
  }
  Object.defineProperty(Reads.prototype, name, { value: typedRead, writable: true, configurable: true });
}

/**
 * Typed reads over borders of buffers, under the names and with the results of Buffer's; a negative offset
 * counts from the end, as in bl. They throw what Buffer's throw.
 */
export const ListReads = Reads as unknown as new () => Pick<Buffer, ReadName>;
