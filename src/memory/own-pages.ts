import { builtins } from '../base/builtins.ts';
import type { MappedMemory } from '../os/mapping/mapped-memory.ts';
import { abandon } from '../os/mapping/mapping.ts';
import type { Chunk } from './chunk.ts';
import { Lease } from './lease.ts';

/** To map fewer bytes costs more than to copy them. */
const LEAST_MAPPED_BYTES = 64 * 1024;

/**
 * The bytes of one aggregate, of a program that may write what it received (`onWrite: 'copy'`): pages of its
 * own, so that what it writes is seen by nothing else that lies, or will lie, in the same page. Few bytes are
 * copied at once, many by the kernel as they are written.
 */
class OwnPages implements Chunk {
  readonly memory = 'heap';
  readonly generation = 1;
  readonly spent = false;
  readonly isWritable = true;
  readonly size: number;
  readonly #memory: MappedMemory | { readonly bytes: Buffer; readonly shown: Buffer };
  /** The lease on what was mapped. */
  #original: Lease | undefined;
  #id: string | undefined;

  constructor(memory: MappedMemory | Buffer, original: Lease | undefined) {
    this.#memory = Buffer.isBuffer(memory) ? { bytes: memory, shown: memory } : memory;
    this.#original = original;
    this.size = memory.length;
    original?.retain();
  }

  get id(): string {
    this.#id ??= builtins.crypto.randomBytes(16).toString('hex');
    return this.#id;
  }

  get bytes(): Buffer {
    return this.#memory.bytes;
  }

  get shown(): Buffer {
    return this.#memory.shown;
  }

  descriptorToMap(): undefined {}

  sendableDescriptor(): undefined {}

  leaseEnded(): void {
    const original = this.#original;
    if (original === undefined) return;
    this.#original = undefined;
    abandon(this.#memory as MappedMemory);
    original.release();
  }
}

/**
 * Pages to write for the bytes from `start` to `end` of a chunk whose readers may (see Chunk.mapToWrite).
 * O(bytes) below 64 KiB, a mapping (20 us) from there on.
 * @returns a lease with no reference yet, and where the bytes begin in it
 * @throws SystemError: ENOMEM
 */
export function pagesToWrite(lease: Lease, start: number, end: number): { lease: Lease; start: number } {
  const mapToWrite = end - start < LEAST_MAPPED_BYTES ? undefined : lease.chunk.mapToWrite;
  if (mapToWrite !== undefined) return { lease: new Lease(new OwnPages(mapToWrite(), lease)), start };
  const copy = copyOf(lease, start, end);
  return { lease: new Lease(new OwnPages(copy, undefined)), start: 0 };
}

/** A copy that shares its ArrayBuffer with nobody. */
export function copyOf({ bytes }: Lease, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start);
  bytes.copy(copy, 0, start, end);
  return copy;
}
