import { createPool } from '../../aggregate/pool.ts';
import { IoliteError } from '../../base/error.ts';
import { type Waiter, WaitQueue } from '../../ipc/flow/wait-queue.ts';
import { FastCgiConnection } from './fastcgi-connection.ts';
import { type FastCgiAddress, type FastCgiLimits, fastCgiAddressOf } from './fastcgi-options.ts';

/** Then another connection is made: a process of the responder that has ours has nobody else's. */
const MAX_REQUESTS = 100;

/** The connections to a FastCGI responder: so many at a time, and whoever finds none free waits. */
export class FastCgiPool {
  readonly #address: FastCgiAddress;
  readonly #limits: FastCgiLimits;
  readonly #pool = createPool({ name: 'fastcgi' });
  readonly #queue: WaitQueue<void>;
  /** Those without a request, and when they end. */
  readonly #resting = new Map<FastCgiConnection, NodeJS.Timeout>();
  #used = 0;

  constructor(address: string, limits: FastCgiLimits) {
    this.#address = fastCgiAddressOf(address) as FastCgiAddress;
    this.#limits = limits;
    this.#queue = new WaitQueue(limits.queueTimeout, limits.maxQueue, noneFree);
  }

  /** Connections with a request. */
  get used(): number {
    return this.#used;
  }

  /**
   * A connection for one request: {@link giveBack} it.
   * @param options `fresh`: one that had no request before
   * @throws ERR_IOLITE_BUSY when none is free in time; as {@link FastCgiConnection.open} does
   */
  async take(signal: AbortSignal, { fresh = false } = {}): Promise<FastCgiConnection> {
    if (this.#used >= this.#limits.connections || this.#queue.size > 0) await this.#turn(signal);
    else this.#used += 1;
    // Those that rest are likely to be as bad as the one before.
    if (fresh) this.#endResting();
    const [kept] = this.#resting.keys();
    if (kept !== undefined) {
      this.#forget(kept);
      kept.wake();
      return kept;
    }
    const { connectTimeout: timeout } = this.#limits;
    try {
      return await FastCgiConnection.open(this.#address, { pool: this.#pool, timeout, signal });
    } catch (error) {
      this.#used -= 1;
      this.#queue.admit();
      // A full queue of the responder's socket.
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') throw noneFree();
      throw error;
    }
  }

  /** @param mayKeep whether its request is over, and it can have another */
  giveBack(connection: FastCgiConnection, mayKeep: boolean): void {
    const { idleTimeout } = this.#limits;
    this.#used -= 1;
    if (mayKeep && idleTimeout > 0 && connection.requests < MAX_REQUESTS) {
      const timer = setTimeout(() => {
        this.#forget(connection);
        connection.destroy();
      }, idleTimeout).unref();
      this.#resting.set(connection, timer);
      connection.rest(() => this.#forget(connection));
    } else connection.destroy();
    this.#queue.admit();
  }

  /** Those who wait are refused; connections with a request end with it. */
  close(): void {
    this.#queue.refuseAll(new IoliteError('ERR_IOLITE_CLOSED', 'The gateway to FastCGI is closed'));
    this.#endResting();
    this.#pool.close();
  }

  #endResting(): void {
    for (const connection of [...this.#resting.keys()]) {
      this.#forget(connection);
      connection.destroy();
    }
  }

  #forget(connection: FastCgiConnection): void {
    clearTimeout(this.#resting.get(connection));
    this.#resting.delete(connection);
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((start, refuse) => {
      const leave = (): void => {
        this.#queue.leave(waiter);
        refuse(signal.reason);
      };
      const waiter: Waiter<void> = {
        start: () => {
          this.#used += 1;
          signal.removeEventListener('abort', leave);
          start();
        },
        refuse: reason => {
          signal.removeEventListener('abort', leave);
          refuse(reason);
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#queue.enter(waiter);
    });
  }
}

function noneFree(): IoliteError {
  return new IoliteError('ERR_IOLITE_BUSY', 'No connection to the FastCGI application is free', {
    mayRetry: true,
  });
}
