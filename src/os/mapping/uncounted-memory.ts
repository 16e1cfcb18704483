import { type Address, addressOf, viewOf } from '../libc.ts';

/** As ECMAScript 2024 has it, which our types do not. */
interface GrowingBuffer extends SharedArrayBuffer {
  grow(length: number): void;
}
const GrowingBuffer = SharedArrayBuffer as unknown as new (
  length: number,
  options: { readonly maxByteLength: number },
) => GrowingBuffer;

/** Of so many mappings one is counted, so that what nobody has given back is collected in the end. */
const COUNTED_MAPPINGS = 8;

/** After so many that the kernel has refused, as those before 6.7 do for sealed memory, none is tried. */
const MAX_REFUSED_PLACES = 16;

let mappings = 0;
/** Never collected: see {@link refusedPlace}. */
const refused: SharedArrayBuffer[] = [];
/** Whether this runtime lets programs have views of mapped memory: otherwise who maps is to be told. */
let isTried = false;

/** Addresses for a mapping. */
export interface UncountedMemory {
  readonly address: Address;
  /** All of them. As long as it, or a view of it, is alive nothing else comes there; then V8 unmaps them. */
  readonly buffer: SharedArrayBuffer;
}

/**
 * Addresses for memory that is mapped, of which V8 does not take it for its own. An ArrayBuffer counts as a
 * part of the heap: 512 MiB of others' chunks make V8 collect twenty times, 30 ms each in a heap of 40 MiB.
 * Of a SharedArrayBuffer that may grow it counts nothing, and gives it pages of its own, over which another
 * mapping can be laid.
 * @param length in bytes, a multiple of the page size
 * @returns undefined for one in eight, and where there are no such addresses: the mapping is to be counted
 */
export function uncountedMemory(length: number): UncountedMemory | undefined {
  mappings += 1;
  if (mappings % COUNTED_MAPPINGS === 0 || refused.length >= MAX_REFUSED_PLACES) return undefined;
  try {
    const buffer = new GrowingBuffer(0, { maxByteLength: length });
    buffer.grow(length);
    const address = Number(addressOf(new Uint8Array(buffer, 0, length)));
    if (!isTried) viewOf(address, length);
    isTried = true;
    return { address, buffer };
  } catch {
    return undefined;
  }
}

/**
 * Nothing could be mapped over addresses, and maybe nothing is there by now: V8 must not unmap them any more,
 * as somebody else may have got them. They are kept as long as the thread lasts.
 */
export function refusedPlace(buffer: SharedArrayBuffer): void {
  refused.push(buffer);
}
