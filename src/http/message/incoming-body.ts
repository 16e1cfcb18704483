import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { Pool } from '../../aggregate/pool.ts';
import { IoliteError } from '../../base/error.ts';
import type { RequestBody } from './body.ts';

/** Who has the request whose body it is. */
export interface BodyHost {
  /** The first of it is to be read. */
  bodyWanted(): void;
  /** So many bytes were read, and more may come. */
  bodyTaken(bytes: number): void;
  /** All of it at once, if it is there and nobody has begun to read it. The caller's. */
  wholeBody?(): Aggregate | undefined;
}

/** Pieces that are smaller are put together while nobody waits for them: one of a byte takes hundreds. */
const SMALL_BYTES = 1024;
const GATHERED_BYTES = 8192;

/** The body of a request, as it comes: pieces wait here until somebody reads them, bounded by the window. */
export class IncomingBody implements RequestBody, AsyncIterator<Aggregate, undefined> {
  readonly #host: BodyHost;
  readonly #pool: Pool;
  /** What came and was not read. */
  #there: Aggregate | undefined;
  #state: 'coming' | 'whole' | 'failed' | 'left' = 'coming';
  /** Small pieces behind the others, put together. */
  #gathered: Buffer | undefined;
  #gatheredBytes = 0;
  #failure: Error | undefined;
  #isWanted = false;
  #wake: (() => void) | undefined;

  /** @param pool where bytes are copied into */
  constructor(host: BodyHost, pool: Pool) {
    this.#host = host;
    this.#pool = pool;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  whole(): Aggregate | undefined {
    const whole = this.#isWanted || this.#state !== 'coming' ? undefined : this.#host.wholeBody?.();
    if (whole === undefined) return undefined;
    this.#isWanted = true;
    this.#state = 'left';
    return whole;
  }

  /** Whether somebody reads it, and has not left off. */
  get isRead(): boolean {
    return this.#isWanted && this.#state !== 'left';
  }

  /** Bytes that came and were not read. */
  get unread(): number {
    return (this.#there?.length ?? 0) + this.#gatheredBytes;
  }

  /** All that is there, in one piece, or the next that comes. */
  async next(): Promise<IteratorResult<Aggregate, undefined>> {
    if (!this.#isWanted) {
      this.#isWanted = true;
      this.#host.bodyWanted();
    }
    while (this.unread === 0 && this.#state === 'coming') {
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
    this.#settleGathered();
    const piece = this.#there;
    if (piece !== undefined) {
      this.#there = undefined;
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
    if (bytes.length < SMALL_BYTES && this.#wake === undefined) {
      this.#gather(bytes);
      return;
    }
    this.#settleGathered();
    this.#copy(bytes);
    this.#wakeUp();
  }

  /** @param piece taken over */
  add(piece: Aggregate): void {
    if (this.#state !== 'coming') {
      piece.release();
      return;
    }
    this.#settleGathered();
    this.#add(piece);
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

  /** The way of the request has ended: what nobody has begun to read nobody will. */
  over(): void {
    if (!this.#isWanted && this.#state === 'whole') this.#state = 'coming';
    this.fail();
  }

  /** Nobody reads it any more. */
  drop(): void {
    this.#releaseAll();
    this.#state = 'left';
    this.#wakeUp();
  }

  #gather(bytes: Buffer): void {
    if (this.#gatheredBytes + bytes.length > GATHERED_BYTES) this.#settleGathered();
    this.#gathered ??= Buffer.allocUnsafeSlow(GATHERED_BYTES);
    this.#gathered.set(bytes, this.#gatheredBytes);
    this.#gatheredBytes += bytes.length;
  }

  #settleGathered(): void {
    const gathered = this.#gathered?.subarray(0, this.#gatheredBytes);
    this.#gathered = undefined;
    this.#gatheredBytes = 0;
    if (gathered !== undefined) this.#copy(gathered);
  }

  #copy(bytes: Buffer): void {
    try {
      this.#add(this.#pool.from(bytes));
    } catch (error) {
      this.fail(error as Error);
    }
  }

  #add(piece: Aggregate): void {
    if (this.#there === undefined) {
      this.#there = piece;
      return;
    }
    this.#there.append(piece);
    piece.release();
  }

  #releaseAll(): void {
    this.#gathered = undefined;
    this.#gatheredBytes = 0;
    this.#there?.release();
    this.#there = undefined;
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
