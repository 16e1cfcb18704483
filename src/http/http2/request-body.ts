import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { Pool } from '../../aggregate/pool.ts';
import { IoliteError } from '../../base/error.ts';

/** Who has the request whose body it is. */
export interface BodyHost {
  /** The first of it is to be read. */
  bodyWanted(): void;
  /** So many bytes were read, and more may come. */
  bodyTaken(bytes: number): void;
}

/** The body of a request, as it comes: pieces wait here until somebody reads them, bounded by the window. */
export class RequestBody implements AsyncIterable<Aggregate>, AsyncIterator<Aggregate, undefined> {
  readonly #host: BodyHost;
  readonly #pool: Pool;
  readonly #pieces: Aggregate[] = [];
  #state: 'coming' | 'whole' | 'failed' | 'left' = 'coming';
  #failure: Error | undefined;
  #isWanted = false;
  #wake: (() => void) | undefined;

  constructor(host: BodyHost, pool: Pool) {
    this.#host = host;
    this.#pool = pool;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Aggregate, undefined>> {
    if (!this.#isWanted) {
      this.#isWanted = true;
      this.#host.bodyWanted();
    }
    while (this.#pieces.length === 0 && this.#state === 'coming') {
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
    const piece = this.#pieces.shift();
    if (piece !== undefined) {
      this.#host.bodyTaken(piece.length);
      return { done: false, value: piece };
    }
    if (this.#state === 'failed') {
      this.#state = 'left';
      throw this.#failure;
    }
    return { done: true, value: undefined };
  }

  /** Reading is left off: what is there and what comes is dropped. */
  async return(): Promise<IteratorResult<Aggregate, undefined>> {
    this.drop();
    return { done: true, value: undefined };
  }

  // For the stream

  /** @param bytes copied into the pool */
  push(bytes: Buffer): void {
    if (this.#state !== 'coming') return;
    try {
      this.#pieces.push(this.#pool.from(bytes));
    } catch (error) {
      this.fail(error as Error);
      return;
    }
    this.#wakeUp();
  }

  /** All of it came. */
  end(): void {
    if (this.#state !== 'coming') return;
    this.#state = 'whole';
    this.#wakeUp();
  }

  /** No more of it comes. What came is for nobody, as it is not all. */
  fail(error: Error = brokenOff()): void {
    if (this.#state !== 'coming') return;
    this.#releaseAll();
    this.#state = 'failed';
    this.#failure = error;
    this.#wakeUp();
  }

  /** Nobody reads it any more. */
  drop(): void {
    this.#releaseAll();
    this.#state = 'left';
    this.#wakeUp();
  }

  #releaseAll(): void {
    for (const piece of this.#pieces.splice(0)) piece.release();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

/** The error of a body whose client has broken it off. */
function brokenOff(): IoliteError {
  return new IoliteError('ERR_IOLITE_PEER', 'Cannot read body: the client broke it off');
}
