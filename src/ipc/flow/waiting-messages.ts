import type { Aggregate } from '../../aggregate/aggregate.ts';
import { needsCredit } from './send-window.ts';

/** Bytes of answers that wait to be written from which on no request is taken up. */
const MAX_ANSWER_BYTES = 32 * 1024 ** 2;

/** Says that a message was written at once. */
export const SENT: Promise<void> = Promise.resolve();

/** A message made ready to be sent. Holds a reference of its own to the body. */
export interface WaitingMessage {
  readonly kind: number;
  readonly correlation: number;
  /** JSON, empty for no head. */
  readonly head: Buffer;
  readonly body: Aggregate | undefined;
  /** Whoever waits for it, if it could not be written at once. */
  sent?: () => void;
  failed?: (error: Error) => void;
}

/** What writes messages whose turn it is. */
export interface MessageWriter<M extends WaitingMessage> {
  mayWrite(message: M): boolean;
  /**
   * Takes over the reference of the body. @returns when it is written: {@link SENT} at once; undefined where
   * it has to wait yet, and the reference is as before
   * @throws when it cannot be sent
   */
  write(message: M): Promise<void> | undefined;
}

/**
 * Messages that wait to be written, in two queues: those that need credit, and answers and pieces of streams,
 * which go ahead of them, as the peer waits for these.
 */
export class WaitingMessages<M extends WaitingMessage> {
  readonly #writer: MessageWriter<M>;
  readonly #messages: M[] = [];
  readonly #answers: M[] = [];
  #answerBytes = 0;
  #reason: Error | undefined;

  constructor(writer: MessageWriter<M>) {
    this.#writer = writer;
  }

  get count(): number {
    return this.#messages.length + this.#answers.length;
  }

  /** Whether so little of answers waits that more requests may be taken up. */
  get isShort(): boolean {
    return this.#answerBytes < MAX_ANSWER_BYTES;
  }

  /** Why nothing is written any more. */
  get ended(): Error | undefined {
    return this.#reason;
  }

  /** Counts bytes of an answer that is being written as waiting; a negative number: no more. */
  countAnswer(bytes: number): void {
    if (this.#reason === undefined) this.#answerBytes += bytes;
  }

  /** Writes a message, now or when it may be. @returns when it was: {@link SENT} if that was at once */
  send(message: M): Promise<void> {
    if (this.#reason !== undefined) throw this.#reason;
    const queue = needsCredit(message.kind) ? this.#messages : this.#answers;
    if (queue.length === 0 && this.#writer.mayWrite(message)) {
      const written = this.#writer.write(message);
      if (written !== undefined) return written;
    }
    queue.push(message);
    if (queue === this.#answers) this.#answerBytes += bytesOf(message);
    return new Promise((sent, failed) => {
      message.sent = sent;
      message.failed = failed;
    });
  }

  /** Writes what may be written: answers first. */
  pump(): void {
    this.#drain(this.#answers);
    this.#drain(this.#messages);
  }

  /** Takes back a request or a stream's beginning that was not written yet. @returns whether there was one */
  withdraw(kind: number, correlation: number): boolean {
    const position = this.#messages.findIndex(o => o.kind === kind && o.correlation === correlation);
    if (position === -1) return false;
    for (const { body } of this.#messages.splice(position, 1)) body?.release();
    return true;
  }

  /** Lets go of everything: what was not written fails. */
  end(reason: Error): void {
    this.#reason = reason;
    this.#answerBytes = 0;
    for (const message of [...this.#answers.splice(0), ...this.#messages.splice(0)]) fail(message, reason);
  }

  #drain(queue: M[]): void {
    for (;;) {
      const [first] = queue;
      if (first === undefined || !this.#writer.mayWrite(first)) return;
      // It is the writer's meanwhile, who may find that all ends.
      this.#shift(queue);
      try {
        const written = this.#writer.write(first);
        if (written === undefined) return this.#putBack(queue, first);
        if (written === SENT) first.sent?.();
        else written.then(first.sent, first.failed);
      } catch (error) {
        first.failed?.(error as Error);
      }
    }
  }

  #shift(queue: M[]): void {
    const first = queue.shift();
    if (first !== undefined && queue === this.#answers) this.#answerBytes -= bytesOf(first);
  }

  #putBack(queue: M[], message: M): void {
    if (this.#reason !== undefined) return fail(message, this.#reason);
    queue.unshift(message);
    if (queue === this.#answers) this.#answerBytes += bytesOf(message);
  }
}

function fail({ body, failed }: WaitingMessage, reason: Error): void {
  body?.release();
  failed?.(reason);
}

function bytesOf({ head, body }: WaitingMessage): number {
  return head.length + (body?.length ?? 0);
}
