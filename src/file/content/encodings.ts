import type { Aggregate } from '../../aggregate/aggregate.ts';
import { compress, type MadeCoding } from './compress.ts';
import { type Form, formOf } from './form.ts';
import { isCompressible } from './media-type.ts';

/** Below it a form saves no packet; above it a thread would be busy with it for a third of a second. */
const MIN_BYTES = 1024;
const MAX_BYTES = 8 * 1024 ** 2;
/**
 * A form is kept if it has no more than this part of the content's bytes: it takes room that other files
 * could have.
 */
const WORTHWHILE_PART = 0.9;
/** In the order of preference. */
const CODINGS: readonly MadeCoding[] = ['br', 'gzip'];
/** What is not read again is not worth the work. */
export const ENCODE_AFTER_HITS = 2;
/** Contents that may wait for their forms. */
const MAX_WAITING_JOBS = 256;

/** Whether forms of a content are to be made once it was hit {@link ENCODE_AFTER_HITS} times. */
export function isWorthEncoding(mediaType: string, size: number): boolean {
  return size >= MIN_BYTES && size <= MAX_BYTES && isCompressible(mediaType);
}

/** A content of which forms are wanted. */
export interface EncodingJob {
  /**
   * The content, asked for when its turn comes, so that nothing holds memory that waits. The giver keeps it.
   */
  readonly content: () => Aggregate;
  /** Takes the forms that were made, if there are any. Not called once the signal was aborted. */
  readonly keep: (forms: readonly Form[]) => void;
  /** Aborted when nobody needs the forms any more: the version has gone, or the cache is closed. */
  readonly signal: AbortSignal;
}

/**
 * Makes forms of contents in other codings in the background: one at a time, so that of the threads that read
 * files no more than one is busy with it. A form that cannot be made, or is hardly smaller, is none.
 */
export class Encoder {
  readonly #waiting = new Set<EncodingJob>();
  #running = false;

  /** @returns false when too many wait: it may be tried again later */
  add(job: EncodingJob): boolean {
    if (this.#waiting.size >= MAX_WAITING_JOBS) return false;
    this.#waiting.add(job);
    if (!this.#running) void this.#run();
    return true;
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (const job of this.#waiting) {
      this.#waiting.delete(job);
      await encode(job).catch(() => {});
    }
    this.#running = false;
  }
}

async function encode({ content: present, keep, signal }: EncodingJob): Promise<void> {
  signal.throwIfAborted();
  using content = present().duplicate();
  const most = Math.floor(content.length * WORTHWHILE_PART);
  const forms: Form[] = [];
  for (const coding of CODINGS) {
    const parts = await compress(content, coding, { most, signal });
    if (parts !== undefined) forms.push(await formOf(coding, parts, signal));
  }
  signal.throwIfAborted();
  if (forms.length > 0) keep(forms);
}
