import type { Stats } from 'node:fs';
import { Aggregate } from '../../aggregate/aggregate.ts';
import type { Draft } from '../../aggregate/draft.ts';
import { createPool, type Pool } from '../../aggregate/pool.ts';
import { PipeWriter } from '../../ipc/pipe/pipe-writer.ts';
import { type Output, PACK_BYTES, type PlainOutput, type Room } from './plain-output.ts';
import { OutputError } from './tool.ts';

/**
 * Much more than a pipe takes at a time: a message costs the same whatever it carries, and what carries many
 * is compiled. Not much more than the processor's caches hold, with those that run ahead.
 */
const SHARED_BLOCK_BYTES = 2 * 1024 ** 2;

/**
 * Output into a pipe that is upgraded when its reader wants it. While there is such a reader what is put goes
 * to buffers of a pool, and each flush sends them as one aggregate; before and after that it is ordinary
 * output.
 */
export class PipedOutput implements Output {
  readonly #plain: PlainOutput;
  readonly #writer: PipeWriter;
  #pool: Pool | undefined;
  /** Whether aggregates are sent. Changes in flush() only. */
  #shares = false;
  readonly #pending: Aggregate[] = [];
  /** Where small pieces gather. */
  #pack: Draft | undefined;
  #packed = 0;

  private constructor(plain: PlainOutput, writer: PipeWriter) {
    this.#plain = plain;
    this.#writer = writer;
  }

  /**
   * Offers the upgrade, to a reader that waits for it already. @returns undefined when that cannot be done
   */
  static async open(plain: PlainOutput, fd: number): Promise<PipedOutput | undefined> {
    const writer = await PipeWriter.open(fd);
    if (writer === undefined) return undefined;
    const output = new PipedOutput(plain, writer);
    await output.flush();
    return output;
  }

  get stats(): Stats {
    return this.#plain.stats;
  }

  get blockBytes(): number {
    return this.#shares ? SHARED_BLOCK_BYTES : this.#plain.blockBytes;
  }

  allocate(size: number): Room {
    if (!this.#shares) return this.#plain.allocate(size);
    const draft = this.#chunks.allocate(size);
    const commit = (length: number): void => {
      if (length === 0) draft.discard();
      else this.pass(draft.seal(length));
    };
    return { bytes: draft.bytes, commit };
  }

  put(bytes: Buffer): void {
    if (!this.#shares) {
      this.#plain.put(bytes);
      return;
    }
    for (let at = 0; at < bytes.length; ) {
      if (this.#packed === PACK_BYTES) this.#sealPack();
      this.#pack ??= this.#chunks.allocate(PACK_BYTES);
      const copied = bytes.copy(this.#pack.bytes, this.#packed, at);
      this.#packed += copied;
      at += copied;
    }
  }

  pass(aggregate: Aggregate): void {
    if (!this.#shares) {
      this.#plain.pass(aggregate);
      return;
    }
    this.#sealPack();
    this.#pending.push(aggregate);
  }

  async flush(): Promise<void> {
    if (this.#shares) await this.#send();
    else await this.#plain.flush();
    this.#shares = this.#writer.upgraded || (await this.#writer.takeUp());
  }

  async end(): Promise<void> {
    if (this.#shares) await this.#send();
    await this.#plain.flush();
    try {
      await this.#writer.end();
    } catch (error) {
      throw new OutputError(error as Error);
    }
  }

  get #chunks(): Pool {
    this.#pool ??= createPool({ name: 'pipe' });
    return this.#pool;
  }

  #sealPack(): void {
    const pack = this.#pack;
    if (pack === undefined) return;
    this.#pack = undefined;
    this.#pending.push(pack.seal(this.#packed));
    this.#packed = 0;
  }

  async #send(): Promise<void> {
    this.#sealPack();
    const parts = this.#pending.splice(0);
    if (parts.length === 0) return;
    const whole = Aggregate.concat(parts);
    for (const part of parts) part.release();
    try {
      if (await this.#writer.send(whole)) return;
    } catch (error) {
      throw new OutputError(error as Error);
    }
    // The reader is gone, and what it has not got goes to the pipe as it is.
    this.#shares = false;
    this.#plain.pass(whole);
    await this.#plain.flush();
  }
}
