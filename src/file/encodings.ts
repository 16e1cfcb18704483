import type { Aggregate } from '../aggregate/aggregate.ts';
import { compress, type MadeCoding } from './compress.ts';
import { type Form, formOf } from './form.ts';
import { isCompressible } from './media-type.ts';

/** Below it a form saves no packet; above it a thread would be busy with it for a third of a second. */
const MIN_BYTES = 1024;
const MAX_BYTES = 8 * 1024 ** 2;
/** A form is kept if it has no more than this part of the content's bytes: it takes room that other files could have. */
const WORTHWHILE_PART = 0.9;
/** In the order of preference. */
const CODINGS: readonly MadeCoding[] = ['br', 'gzip'];
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
  /** Takes the forms that were made, if there are any. Not called once the signal was aborted. */
  readonly keep: (forms: readonly Form[]) => void;
  /** Aborted when nobody needs the forms any more: the version has gone. */
  readonly signal: AbortSignal;
}

interface Task {
  readonly job: EncodingJob;
  /** A reference of the task's own. */
  readonly content: Aggregate;
  readonly controller: AbortController;
  readonly giveUp: () => void;
}

/**
 * Makes forms of contents in other codings in the background: one at a time, so that of the threads that read files no more
 * than one is busy with it. A form that cannot be made, or is hardly smaller, is none.
 */
export class Encoder {
  readonly #waiting = new Set<Task>();
  #underWay: Task | undefined;
  #closed = false;

  /** @returns false when too many wait, or the encoder is closed: it may be tried again later */
  add(job: EncodingJob): boolean {
    if (this.#closed || job.signal.aborted || this.#waiting.size >= MOST_WAITING) return false;
    const task: Task = {
      job,
      content: job.content.duplicate(),
      controller: new AbortController(),
      giveUp: () => this.#giveUp(task),
    };
    job.signal.addEventListener('abort', task.giveUp, { once: true });
    this.#waiting.add(task);
    if (this.#underWay === undefined) void this.#run();
    return true;
  }

  /** Makes no more forms; those that are being made are given up. */
  close(): void {
    this.#closed = true;
    for (const task of this.#waiting) this.#giveUp(task);
    this.#underWay?.controller.abort();
  }

  async #run(): Promise<void> {
    for (const task of this.#waiting) {
      this.#waiting.delete(task);
      this.#underWay = task;
      await encode(task).catch(() => {});
      end(task);
    }
    this.#underWay = undefined;
  }

  #giveUp(task: Task): void {
    task.controller.abort();
    if (this.#waiting.delete(task)) end(task);
  }
}

async function encode({ job, content, controller: { signal } }: Task): Promise<void> {
  const most = Math.floor(content.length * WORTHWHILE_PART);
  const forms: Form[] = [];
  for (const coding of CODINGS) {
    const parts = await compress(content, coding, { most, signal });
    if (parts !== undefined) forms.push(await formOf(coding, parts, signal));
  }
  signal.throwIfAborted();
  if (forms.length > 0) job.keep(forms);
}

function end({ job, content, giveUp }: Task): void {
  job.signal.removeEventListener('abort', giveUp);
  content.release();
}
