import type { Aggregate } from '../../aggregate/aggregate.ts';
import { IoliteError } from '../../base/error.ts';
import { pipeCapacity } from '../../os/pipe.ts';
import type { Channel } from '../channel.ts';
import { connect } from '../meet/connect.ts';
import type { IncomingBytes } from './incoming-bytes.ts';
import { holdsPipe, identifyPipe, type PipeIdentity } from './pipe-identity.ts';

/** An aggregate that has come. */
interface Arrival {
  readonly body: Aggregate;
  /** Tells the writer. */
  readonly taken: () => void;
}

/**
 * The upgrade of a pipe on its reader's side: the bytes of the pipe and the aggregates of the writer that
 * sends them, each as they come. Bytes are read all the while, since a pipe may have other writers. See
 * docs/protocol.md.
 */
export class PipeReader {
  readonly #pipe: PipeIdentity;
  readonly #fd: number;
  readonly #bytes: IncomingBytes;
  readonly #controller: AbortController;
  /** Bytes that were in the pipe when the writer began to send aggregates. */
  readonly #earlier: Aggregate[] = [];
  /** Aggregates that have come and were not taken. */
  readonly #arrived: Arrival[] = [];
  #channel: Channel | undefined;
  #upgraded = false;
  /** Whether no aggregate follows. */
  #over = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  private constructor(pipe: PipeIdentity, fd: number, bytes: IncomingBytes, controller: AbortController) {
    this.#pipe = pipe;
    this.#fd = fd;
    this.#bytes = bytes;
    this.#controller = controller;
  }

  /**
   * Looks for a writer that offers aggregates.
   * @param fd a descriptor of the pipe; it stays the caller's
   * @param bytes of the pipe, to be read here alone until {@link next} gives nothing, or after close()
   * @returns undefined when there is none. Costs some 50 us then.
   */
  static async open(fd: number, bytes: IncomingBytes): Promise<PipeReader | undefined> {
    const pipe = identifyPipe(fd);
    if (pipe === undefined) return undefined;
    const controller = new AbortController();
    let failed = false;
    const attempt = connect(pipe.endpoint, { signal: controller.signal });
    attempt.catch(() => {
      failed = true;
    });
    // Nobody listening shows at once; a writer may be busy and take a while to greet us.
    await new Promise(setImmediate);
    if (failed) return undefined;
    const reader = new PipeReader(pipe, fd, bytes, controller);
    void reader.#negotiate(attempt);
    return reader;
  }

  /** Whether the writer sends aggregates. */
  get upgraded(): boolean {
    return this.#upgraded && !this.#over;
  }

  /**
   * What comes next, bytes of the pipe or an aggregate of the writer's, which the caller releases. Undefined
   * when no more aggregates follow: the caller then reads what the pipe has left.
   * @throws what the channel failed with, if that was not the writer's death; what reading failed with
   */
  async next(): Promise<Aggregate | undefined> {
    for (;;) {
      const bytes = this.#earlier.shift() ?? this.#bytes.take();
      if (bytes !== undefined) return bytes;
      const next = this.#upgraded ? this.#arrived.shift() : undefined;
      if (next !== undefined) {
        next.taken();
        return next.body;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#over) return undefined;
      await this.#change();
    }
  }

  /** Reads no more. The writer goes on with what was not taken by writing it to the pipe. */
  close(): void {
    this.#over = true;
    this.#controller.abort();
    this.#channel?.destroy();
    for (const { body } of this.#arrived.splice(0)) body.release();
    for (const bytes of this.#earlier.splice(0)) bytes.release();
    this.#notify();
  }

  /** Waits until there may be more, and keeps the process alive meanwhile. */
  async #change(): Promise<void> {
    const change = new Promise<void>(resolve => {
      this.#wake = resolve;
    });
    this.#channel?.ref();
    // Its writers are gone: one that has not begun to send aggregates never will.
    if (this.#bytes.ended && !this.#upgraded) this.#controller.abort();
    else if (!this.#bytes.ended) this.#bytes.listen(() => this.#notify());
    await change;
    this.#channel?.unref();
  }

  /**
   * Agrees with the writer. What it sends from then on is answered as it is taken, which lets it send more.
   */
  async #negotiate(attempt: Promise<Channel>): Promise<void> {
    let ended: Error | undefined;
    try {
      const channel = await attempt;
      this.#channel = channel;
      if (this.#wake === undefined) channel.unref();
      channel.once('close', error => {
        ended = error;
        if (this.#upgraded) this.#ended(error);
      });
      this.#checkWriter(channel);
      channel.onRequest(({ body }) => this.#deliver(body));
      const { body } = await channel.request({ head: { pipe: 'read' } }, { signal: this.#controller.signal });
      body?.release();
      this.#drain();
      this.#upgraded = true;
      if (channel.closed) this.#ended(ended);
    } catch {
      this.#channel?.destroy();
      // Of a writer that has not said where they begin nothing is taken.
      for (const { body } of this.#arrived.splice(0)) body.release();
      this.#over = true;
    }
    this.#notify();
  }

  #deliver(body: Aggregate | undefined): Promise<undefined> | undefined {
    if (body === undefined || body.length === 0 || this.#over) {
      body?.release();
      return undefined;
    }
    return new Promise(taken => {
      this.#arrived.push({ body, taken: () => taken(undefined) });
      this.#notify();
    });
  }

  #ended(error: Error | undefined): void {
    // A writer that died has sent what it has sent.
    const died = error instanceof IoliteError && error.code === 'ERR_IOLITE_PEER';
    if (!this.#over && !died) this.#failure = error;
    this.#over = true;
    this.#notify();
  }

  /** Another process may have taken the name before the writer did. */
  #checkWriter({ peer }: Channel): void {
    if (peer.uid === process.getuid?.() && holdsPipe(peer.pid, this.#pipe, 'write')) return;
    throw new IoliteError('ERR_IOLITE_ACCESS', 'Cannot upgrade pipe: the peer does not write it');
  }

  /**
   * Takes all that was in the pipe: the writer put it there before its first aggregate. No more than the pipe
   * holds, since other writers may be filling it.
   */
  #drain(): void {
    for (let left = pipeCapacity(this.#fd); left > 0; ) {
      const bytes = this.#bytes.take();
      if (bytes === undefined) return;
      this.#earlier.push(bytes);
      left -= bytes.length;
    }
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
