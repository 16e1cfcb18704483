import type { Stats } from 'node:fs';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import type { Output, Room } from '../../../src/cli/tools/plain-output.ts';

/** An output that keeps what is put. */
export class MemoryOutput implements Output {
  readonly stats = {} as Stats;
  readonly blockBytes = 4096;
  readonly #parts: Buffer[] = [];
  /** How many aggregates were passed by reference. */
  passed = 0;

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  allocate(size: number): Room {
    const bytes = Buffer.alloc(size);
    return { bytes, commit: length => this.put(bytes.subarray(0, length)) };
  }

  put(bytes: Buffer): void {
    this.#parts.push(Buffer.from(bytes));
  }

  pass(aggregate: Aggregate): void {
    this.passed += 1;
    this.put(aggregate.toBuffer());
    aggregate.release();
  }

  async flush(): Promise<void> {}

  async end(): Promise<void> {}
}
