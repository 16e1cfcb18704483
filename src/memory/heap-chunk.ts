import { builtins } from '../base/builtins.ts';
import type { AccessList } from './acl.ts';
import type { OwnedChunk } from './chunk.ts';
import { Lease } from './lease.ts';

/**
 * A chunk on the heap of one process: what pools use where memory cannot be shared, and what wraps bytes
 * that the caller already has. The garbage collector frees it; nothing of it can be sent to another domain.
 */
export class HeapChunk implements OwnedChunk {
  readonly memory = 'heap';
  readonly payloadStart = 0;
  readonly spent = false;
  readonly isWritable = false;
  readonly size: number;
  readonly acl: AccessList | undefined;
  readonly #bytes: Buffer;
  generation = 1;
  soleEnd: number | undefined;
  #id: string | undefined;
  readonly #onIdle: ((chunk: HeapChunk) => void) | undefined;

  /** @param acl of the pool that makes it */
  constructor(bytes: Buffer, onIdle?: (chunk: HeapChunk) => void, acl?: AccessList) {
    this.acl = acl;
    this.#bytes = bytes;
    this.size = bytes.length;
    this.#onIdle = onIdle;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get shown(): Buffer {
    return this.#bytes;
  }

  /** Made when first asked for: most chunks on the heap never need a name. */
  get id(): string {
    this.#id ??= builtins.crypto.randomBytes(16).toString('hex');
    return this.#id;
  }

  descriptorToMap(): undefined {}

  sendableDescriptor(): undefined {}

  leaseEnded(): void {
    this.#onIdle?.(this);
  }

  readonly isClaimed = false;

  /** It costs no more to copy it. */
  claim(): boolean {
    return false;
  }

  /** Nobody else can be given it. */
  suits(): boolean {
    return true;
  }

  renew(): boolean {
    this.generation += 1;
    return true;
  }

  isLeasedElsewhere(): boolean {
    return false;
  }

  /**
   * Heap memory cannot be protected: `kind: 'seal'` on the heap means never recycled, no more, and 'protect'
   * is 'recycle'.
   */
  freeze(): void {}

  open(): void {}

  shut(): void {}

  drop(): void {}
}

/**
 * Memory for a chunk of a pool. It is that of a WebAssembly.Memory, the one kind of ArrayBuffer of the heap
 * that neither a stream nor `transfer()` can move away from those who share it. Less than a page of it would
 * cost the address space of many: that little is ordinary memory.
 */
export function heapMemory(size: number): Buffer {
  if (size < WASM_PAGE_BYTES) return Buffer.allocUnsafeSlow(size);
  const pages = Math.ceil(size / WASM_PAGE_BYTES);
  try {
    return Buffer.from(new Memory({ initial: pages, maximum: pages }).buffer, 0, size);
  } catch {
    return Buffer.allocUnsafeSlow(size);
  }
}

const WASM_PAGE_BYTES = 65_536;

/** Its type comes with the library of browsers only. Missing with --jitless: then all is ordinary memory. */
const { Memory } = (
  globalThis as unknown as {
    WebAssembly: { Memory: new (pages: { initial: number; maximum: number }) => { buffer: ArrayBuffer } };
  }
).WebAssembly ?? { Memory: undefined as never };

/**
 * A lease, with no reference yet, on bytes the caller already holds. Copies nothing: the caller promises
 * never to change them.
 */
export function leaseOfAdopted(bytes: Buffer): Lease {
  return new Lease(new HeapChunk(bytes));
}
