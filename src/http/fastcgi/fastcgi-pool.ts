import { createPool } from '../../aggregate/pool.ts';
import { IoliteError } from '../../base/error.ts';
import { FastCgiConnection } from './fastcgi-connection.ts';
import { type FastCgiAddress, type FastCgiLimits, fastCgiAddressOf } from './fastcgi-options.ts';
import { Turns } from './turns.ts';

/** Then another connection is made: a process of the responder that has ours has nobody else's. */
const MAX_REQUESTS = 100;

/** The connections to a FastCGI responder: so many at a time, and whoever finds none free waits. */
export class FastCgiPool {
  readonly #address: FastCgiAddress;
  readonly #limits: FastCgiLimits;
  readonly #pool = createPool({ name: 'fastcgi' });
  readonly #turns: Turns;
  /** Those without a request, and when they end. */
  readonly #resting = new Map<FastCgiConnection, NodeJS.Timeout>();

  constructor(address: string, limits: FastCgiLimits) {
    this.#address = fastCgiAddressOf(address) as FastCgiAddress;
    this.#limits = limits;
    this.#turns = new Turns(limits.connections, limits, noneFree);
  }

  /** Requests that wait for one. */
  get queued(): number {
    return this.#turns.waiting;
  }

  /** Connections with a request. */
  get used(): number {
    return this.#turns.used;
  }

  /**
   * A connection for one request: {@link giveBack} it.
   * @param options `fresh`: one that had no request before
   * @throws ERR_IOLITE_BUSY when none is free in time; as {@link FastCgiConnection.open} does
   */
  async take(signal: AbortSignal, { fresh = false } = {}): Promise<FastCgiConnection> {
    await this.#turns.take(signal);
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
      this.#turns.giveBack();
      // A full queue of the responder's socket.
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') throw noneFree();
      throw error;
    }
  }

  /** @param mayKeep whether its request is over, and it can have another */
  giveBack(connection: FastCgiConnection, mayKeep: boolean): void {
    const { idleTimeout } = this.#limits;
    if (mayKeep && idleTimeout > 0 && connection.requests < MAX_REQUESTS) {
      const timer = setTimeout(() => {
        this.#forget(connection);
        connection.destroy();
      }, idleTimeout).unref();
      this.#resting.set(connection, timer);
      connection.rest(() => this.#forget(connection));
    } else connection.destroy();
    this.#turns.giveBack();
  }

  /** Those who wait are refused; connections with a request end with it. */
  close(): void {
    this.#turns.refuseAll(new IoliteError('ERR_IOLITE_CLOSED', 'The gateway to FastCGI is closed'));
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
}

/** What a request is refused with that finds no place in time. */
export function noneFree(): IoliteError {
  return new IoliteError('ERR_IOLITE_BUSY', 'No connection to the FastCGI application is free', {
    mayRetry: true,
  });
}
