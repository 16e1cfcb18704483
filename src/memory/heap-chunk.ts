import { randomBytes } from 'node:crypto';
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
  readonly size: number;
  readonly bytes: Buffer;
  generation = 1;
  #id: string | undefined;
  readonly #onIdle: ((chunk: HeapChunk) => void) | undefined;

  constructor(bytes: Buffer, onIdle?: (chunk: HeapChunk) => void) {
    this.bytes = bytes;
    this.size = bytes.length;
    this.#onIdle = onIdle;
  }

  /** Made when first asked for: most chunks on the heap never need a name. */
  get id(): string {
    this.#id ??= randomBytes(16).toString('hex');
    return this.#id;
  }

  sendableDescriptor(): undefined {}

  leaseEnded(): void {
    this.#onIdle?.(this);
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
 * A lease, with no reference yet, on bytes the caller already holds. Copies nothing: the caller promises
 * never to change them.
 */
export function leaseOfAdopted(bytes: Buffer): Lease {
  return new Lease(new HeapChunk(bytes));
}
