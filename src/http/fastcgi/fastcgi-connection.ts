import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { Pool } from '../../aggregate/pool.ts';
import { IoliteError } from '../../base/error.ts';
import { ignore } from '../../base/ignore.ts';
import { receive } from '../../network/receive.ts';
import { sendAggregate } from '../../network/send.ts';
import type { FastCgiAddress } from './fastcgi-options.ts';

/** A connection to a FastCGI responder, for one request after the other. */
export class FastCgiConnection {
  /** How many requests were sent on it. */
  requests = 0;
  readonly #socket: Socket;
  readonly #pieces: AsyncGenerator<Aggregate, void, void>;
  /** What it is read for while it rests. */
  #ahead: Promise<IteratorResult<Aggregate, void>> | undefined;
  #isResting = false;

  private constructor(socket: Socket, pool: Pool) {
    this.#socket = socket;
    // Whoever reads or writes learns of it.
    socket.on('error', ignore);
    this.#pieces = receive(socket, { pool });
  }

  /**
   * @param pool where what comes is put
   * @param timeout milliseconds
   * @throws ECONNREFUSED, ENOENT, EACCES, ...; ERR_IOLITE_TIMEOUT; the signal's reason
   */
  static async open(
    address: FastCgiAddress,
    { pool, timeout, signal }: { pool: Pool; timeout: number; signal: AbortSignal },
  ): Promise<FastCgiConnection> {
    signal.throwIfAborted();
    const socket = connect({ ...address, noDelay: true });
    const late = AbortSignal.timeout(timeout);
    try {
      await once(socket, 'connect', { signal: AbortSignal.any([signal, late]) });
    } catch (error) {
      socket.on('error', ignore).destroy();
      signal.throwIfAborted();
      if (!late.aborted) throw error;
      throw new IoliteError(
        'ERR_IOLITE_TIMEOUT',
        `The FastCGI application took no connection in ${timeout} ms`,
      );
    }
    return new FastCgiConnection(socket, pool);
  }

  /** What came next, which the caller releases; undefined at the end. @throws as receive() does */
  async read(): Promise<Aggregate | undefined> {
    const next = this.#ahead ?? this.#pieces.next();
    this.#ahead = undefined;
    return (await next).value ?? undefined;
  }

  /** Resolves when the kernel has it. @throws as sendAggregate() does */
  send(head: Buffer, body: Aggregate): Promise<void> {
    return sendAggregate(this.#socket, body, { head });
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** It has no request for now. @param lost called when it can have none any more */
  rest(lost: () => void): void {
    this.#isResting = true;
    this.#ahead = this.#pieces.next();
    const over = (): void => {
      if (!this.#isResting) return;
      this.destroy();
      lost();
    };
    this.#ahead.then(({ value }) => {
      if (this.#isResting) value?.release();
      over();
    }, over);
  }

  /** It has a request again. */
  wake(): void {
    this.#isResting = false;
  }

  /** Ends it at once. What the kernel took before is sent. */
  destroy(): void {
    this.#isResting = false;
    this.#ahead?.then(({ value }) => value?.release(), ignore);
    this.#socket.destroy();
  }
}
