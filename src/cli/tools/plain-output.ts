import { type Stats, writeSync } from 'node:fs';
import type { Aggregate } from '../../aggregate/aggregate.ts';
import { waitUntilReady } from '../../os/poll.ts';
import { OutputError } from './tool.ts';

/** Room for output, to be filled from its start and committed before anything else is put. */
export interface Room {
  readonly bytes: Buffer;
  /** The first `length` bytes are output. The room is the output's again. */
  commit(length: number): void;
}

/** The standard output of a tool: what is put leaves in that order, at the latest with the next flush(). */
export interface Output {
  readonly stats: Stats;
  /** Bytes that are best put at a time, by who has many. */
  readonly blockBytes: number;
  /** Room of `size` bytes or more. */
  allocate(size: number): Room;
  /** Puts bytes, which are copied or written at once. */
  put(bytes: Buffer): void;
  /** Puts an aggregate, and takes it over. */
  pass(aggregate: Aggregate): void;
  /** Everything put leaves, as far as the reader takes it. A tool calls it for each block of its input. */
  flush(): Promise<void>;
  /** Everything put has left, and nothing follows. */
  end(): Promise<void>;
}

export const STDOUT_FD = 1;
/** Small pieces gather to this many bytes; pieces of as many are written from where they lie. */
export const PACK_BYTES = 64 * 1024;
/** What is best put at a time where it is written. */
export const PLAIN_BLOCK_BYTES = 256 * 1024;
const DIRECT_BYTES = 8 * 1024;

/** Output by write(2), from ordinary memory. */
export class PlainOutput implements Output {
  readonly stats: Stats;
  readonly blockBytes = PLAIN_BLOCK_BYTES;
  /** Bytes put so far. */
  size = 0;
  readonly #pack = Buffer.allocUnsafeSlow(PACK_BYTES);
  #used = 0;
  #room = Buffer.alloc(0);

  constructor(stats: Stats) {
    this.stats = stats;
  }

  allocate(size: number): Room {
    if (this.#room.length < size) this.#room = Buffer.allocUnsafeSlow(size);
    const bytes = this.#room;
    return { bytes, commit: length => this.put(bytes.subarray(0, length)) };
  }

  put(bytes: Buffer): void {
    this.size += bytes.length;
    if (bytes.length > PACK_BYTES - this.#used || bytes.length >= DIRECT_BYTES) this.#write();
    if (bytes.length >= DIRECT_BYTES) writeAll(bytes);
    else this.#used += bytes.copy(this.#pack, this.#used);
  }

  pass(aggregate: Aggregate): void {
    try {
      for (const view of aggregate.views()) this.put(view);
    } finally {
      aggregate.release();
    }
  }

  async flush(): Promise<void> {
    this.#write();
  }

  async end(): Promise<void> {
    this.#write();
  }

  #write(): void {
    const used = this.#used;
    this.#used = 0;
    if (used > 0) writeAll(this.#pack.subarray(0, used));
  }
}

/** Writes bytes to the standard output, and waits as long as that takes. @throws OutputError */
function writeAll(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(STDOUT_FD, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw new OutputError(error as Error);
      waitUntilReady(STDOUT_FD, 'write');
    }
  }
}
