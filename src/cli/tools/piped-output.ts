import type { Stats } from 'node:fs';
import { Aggregate } from '../../aggregate/aggregate.ts';
import type { Draft } from '../../aggregate/draft.ts';
import { createPool, type Pool } from '../../aggregate/pool.ts';
import { openOutput, type PipeOutput } from '../../ipc/pipe/open-output.ts';
import { type Output, PACK_BYTES, PLAIN_BLOCK_BYTES, type Room } from './plain-output.ts';
import { OutputError } from './tool.ts';

/**
 * Much more than a pipe takes at a time: a message costs the same whatever it carries, and what carries many
 * is compiled. Not much more than the processor's caches hold, with those that run ahead.
 */
const SHARED_BLOCK_BYTES = 2 * 1024 ** 2;

/** A tool's output into a pipe that upgrades itself. What is put gathers in a pool until the next flush. */
export class PipedOutput implements Output {
  readonly stats: Stats;
  readonly #output: PipeOutput;
  readonly #pool: Pool = createPool({ name: 'pipe' });
  readonly #pending: Aggregate[] = [];
  /** Where small pieces gather. */
  #pack: Draft | undefined;
  #packed = 0;

  /** @throws OutputError */
  constructor(stats: Stats, fd: number) {
    this.stats = stats;
    try {
      this.#output = openOutput(fd, { upgradeAfter: 0 });
    } catch (error) {
      throw new OutputError(error as Error);
    }
  }

  get blockBytes(): number {
    return this.#output.upgraded ? SHARED_BLOCK_BYTES : PLAIN_BLOCK_BYTES;
  }

  allocate(size: number): Room {
    const draft = this.#pool.allocate(size);
    const commit = (length: number): void => {
      if (length === 0) draft.discard();
      else this.pass(draft.seal(length));
    };
    return { bytes: draft.bytes, commit };
  }

  put(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#packed === PACK_BYTES) this.#sealPack();
      this.#pack ??= this.#pool.allocate(PACK_BYTES);
      const copied = bytes.copy(this.#pack.bytes, this.#packed, at);
      this.#packed += copied;
      at += copied;
    }
  }

  pass(aggregate: Aggregate): void {
    this.#sealPack();
    this.#pending.push(aggregate);
  }

  async flush(): Promise<void> {
    this.#sealPack();
    const parts = this.#pending.splice(0);
    if (parts.length === 0) return;
    using whole = Aggregate.concat(parts);
    for (const part of parts) part.release();
    await this.#told(this.#output.write(whole));
  }

  async end(): Promise<void> {
    await this.flush();
    await this.#told(this.#output.end());
  }

  async #told(done: Promise<void>): Promise<void> {
    try {
      await done;
    } catch (error) {
      throw new OutputError(error as Error);
    }
  }

  #sealPack(): void {
    const pack = this.#pack;
    if (pack === undefined) return;
    this.#pack = undefined;
    this.#pending.push(pack.seal(this.#packed));
    this.#packed = 0;
  }
}
