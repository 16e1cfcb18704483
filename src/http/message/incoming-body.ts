import type { Aggregate } from '../../aggregate/aggregate.ts';
import { type FullPool, fullPoolOf, isOfFullPool, type PoolWaiter } from '../../aggregate/full-pool.ts';
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
/**
 * A body of no more comes as one piece: each of several would keep a chunk of the pool, which a client that
 * sends a byte now and then would fill.
 */
export const SHORT_BYTES = 16 * 1024;

/**
 * The body of a request, as it comes: pieces wait here until somebody reads them, bounded by the window. What
 * finds no room in the pool waits on the heap until there is some: see {@link FullPool}.
 */
export class IncomingBody implements RequestBody, AsyncIterator<Aggregate, undefined>, PoolWaiter {
  readonly #host: BodyHost;
  readonly #pool: Pool;
  /** What came and was not read. */
  #there: Aggregate | undefined;
  #state: 'coming' | 'whole' | 'failed' | 'left' = 'coming';
  /** Small pieces behind the others, put together. */
  #gathered: Buffer | undefined;
  #gatheredBytes = 0;
  /** What is behind that and waits for room in the pool. */
  #unplaced: Buffer | undefined;
  readonly #full: FullPool;
  readonly #isShort: boolean;
  /** Bytes that have found room in the pool so far. */
  placedBytes = 0;
  #failure: Error | undefined;
  #isWanted = false;
  #wake: (() => void) | undefined;

  /**
   * @param pool where bytes are copied into
   * @param length in bytes, where it is known
   */
  constructor(host: BodyHost, pool: Pool, length = Number.POSITIVE_INFINITY) {
    this.#host = host;
    this.#pool = pool;
    this.#full = fullPoolOf(pool);
    this.#isShort = length <= SHORT_BYTES;
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
    return (this.#there?.length ?? 0) + this.#gatheredBytes + (this.#unplaced?.length ?? 0);
  }

  /** Whether it waits for room: no more of it is to be read meanwhile. */
  get isHeldUp(): boolean {
    return this.#unplaced !== undefined;
  }

  /** All that is there, in one piece, or the next that comes. */
  async next(): Promise<IteratorResult<Aggregate, undefined>> {
    if (!this.#isWanted) {
      this.#isWanted = true;
      this.#host.bodyWanted();
    }
    while (!this.#hasNext()) {
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
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
    if (this.#isShort || (bytes.length < SMALL_BYTES && this.#wake === undefined)) {
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
    if (this.#unplaced === undefined) this.#add(piece);
    else {
      this.#copy(piece.toBuffer());
      piece.release();
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

  // For those who wait for room

  tryAgain(): boolean {
    const bytes = this.#unplaced;
    if (bytes === undefined) return true;
    this.#unplaced = undefined;
    if (!this.#place(bytes)) {
      this.#unplaced = bytes;
      return false;
    }
    this.#wakeUp();
    return true;
  }

  refuse(error: IoliteError): void {
    // What it has of the pool is what others wait for.
    if (this.#state === 'whole') this.#state = 'coming';
    this.fail(error);
  }

  /** Whether there is a piece to be read, or no more is to come. */
  #hasNext(): boolean {
    if (this.#isShort && this.#state === 'coming') return false;
    this.#settleGathered();
    return this.#there !== undefined || (this.#unplaced === undefined && this.#state !== 'coming');
  }

  #gather(bytes: Buffer): void {
    const size = this.#isShort ? SHORT_BYTES : GATHERED_BYTES;
    if (this.#gatheredBytes + bytes.length > size) this.#settleGathered();
    this.#gathered ??= Buffer.allocUnsafeSlow(size);
    this.#gathered.set(bytes, this.#gatheredBytes);
    this.#gatheredBytes += bytes.length;
  }

  #settleGathered(): void {
    const gathered = this.#gathered?.subarray(0, this.#gatheredBytes);
    this.#gathered = undefined;
    this.#gatheredBytes = 0;
    if (gathered !== undefined) this.#copy(gathered);
  }

  /** @param bytes valid during the call */
  #copy(bytes: Buffer): void {
    if (this.#unplaced !== undefined) this.#unplaced = Buffer.concat([this.#unplaced, bytes]);
    else if (!this.#full.admits(this.placedBytes) || !this.#place(bytes)) {
      this.#unplaced = Buffer.from(bytes);
      this.#full.enter(this);
    }
  }

  /** @returns whether there was room, or it failed */
  #place(bytes: Buffer): boolean {
    try {
      this.#add(this.#pool.from(bytes));
    } catch (error) {
      if (isOfFullPool(error)) return false;
      this.refuse(error as IoliteError);
    }
    return true;
  }

  #add(piece: Aggregate): void {
    this.placedBytes += piece.length;
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
    if (this.#unplaced !== undefined) this.#full.leave(this);
    this.#unplaced = undefined;
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
