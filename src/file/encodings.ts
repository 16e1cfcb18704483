import type { Aggregate } from '../aggregate/aggregate.ts';
import { compress, type MadeCoding } from './compress.ts';
import { isCompressible } from './media-type.ts';

/** Below it a form saves no packet; above it a thread would be busy with it for a third of a second. */
const MIN_BYTES = 1024;
const MAX_BYTES = 8 * 1024 ** 2;
/** A form is kept if it has no more than this part of the content's bytes: it takes room that other files could have. */
const WORTHWHILE_PART = 0.9;
/** What is not read again is not worth the work. */
export const HITS_BEFORE_ENCODING = 2;
/** Contents that may wait for their forms. */
const MOST_WAITING = 256;

/** Whether forms of a content are to be made once it was hit {@link HITS_BEFORE_ENCODING} times. */
export function isWorthEncoding(mediaType: string, size: number): boolean {
  return size >= MIN_BYTES && size <= MAX_BYTES && isCompressible(mediaType);
}

/** A content of which forms are wanted. */
export interface EncodingJob {
  /** The encoder has a reference of its own for as long as it needs the content. */
  readonly content: Aggregate;
  readonly codings: readonly MadeCoding[];
  /** Takes a form that was made: its bytes, in ordinary memory. */
  readonly keep: (coding: MadeCoding, parts: readonly Buffer[]) => void;
  /** Aborted when nobody needs the forms any more: the version has gone. */
  readonly signal: AbortSignal;
}

interface Waiting {
  readonly job: EncodingJob;
  readonly content: Aggregate;
  readonly giveUp: () => void;
}

/**
 * Makes forms of contents in other codings in the background: one at a time, so that of the threads that read files no more
 * than one is busy with it. A form that cannot be made, or is hardly smaller, is none.
 */
export class Encoder {
  readonly #waiting = new Set<Waiting>();
  readonly #closing = new AbortController();
  #running = false;

  /** @returns false when too many wait, or the encoder is closed: it may be tried again later */
  add(job: EncodingJob): boolean {
    const { signal } = this.#closing;
    if (signal.aborted || job.signal.aborted || this.#waiting.size >= MOST_WAITING) return false;
    const waiting: Waiting = {
      job,
      content: job.content.duplicate(),
      giveUp: () => this.#drop(waiting),
    };
    this.#waiting.add(waiting);
    job.signal.addEventListener('abort', waiting.giveUp, { once: true });
    if (!this.#running) void this.#run();
    return true;
  }

  /** Makes no more forms; one that is being made is given up. */
  close(): void {
    this.#closing.abort();
    for (const waiting of this.#waiting) this.#drop(waiting);
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (const waiting of this.#waiting) {
      this.#waiting.delete(waiting);
      waiting.job.signal.removeEventListener('abort', waiting.giveUp);
      await this.#encode(waiting).catch(() => {});
      waiting.content.release();
    }
    this.#running = false;
  }

  async #encode({ job, content }: Waiting): Promise<void> {
    const signal = AbortSignal.any([job.signal, this.#closing.signal]);
    const most = Math.floor(content.length * WORTHWHILE_PART);
    for (const coding of job.codings) {
      const parts = await compress(content, coding, { most, signal });
      if (parts !== undefined && !signal.aborted) job.keep(coding, parts);
    }
  }

  #drop(waiting: Waiting): void {
    if (this.#waiting.delete(waiting)) waiting.content.release();
  }
}
