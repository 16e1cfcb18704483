import { Aggregate } from '../../../aggregate/aggregate.ts';
import { IoliteError } from '../../../base/error.ts';
import type { BodyRoom } from './body-room.ts';

/** How the source of a body is told to wait, to go on, and that nobody wants it any more. */
export interface Flow {
  pause(): void;
  resume(): void;
  abort(): void;
}

/** A body that is to be stored. */
export interface Keeping {
  /** Most bytes that it may have. */
  readonly limit: number;
  /** What it may take together with others. */
  readonly room: BodyRoom;
  /** Whether it is received to its end though nobody reads it. */
  readonly evenAlone: boolean;
  /**
   * It came to its end.
   * @param content to be copied or shared
   * @returns the same content where it is kept, by a reference that readers share from here on; undefined if
   *   it is not kept
   */
  readonly done: (content: Aggregate) => Aggregate | undefined;
  /** It was too large, failed, or was abandoned, or too many others come: it is not stored. */
  readonly dropped: () => void;
}

/** Bytes that wait for the slowest reader before the source has to. */
const WINDOW_BYTES = 1024 ** 2;
const PIECE_BYTES = 256 * 1024;

/**
 * The body of a response while it comes, for any number of readers, who get its first bytes as soon as they
 * are there.
 *
 * While it is kept, all of it is in memory up to the limit, so that it comes as fast as the origin sends it,
 * and readers can join at any time; what all of them take is bounded by their {@link BodyRoom}. Otherwise
 * what all have read is let go of, and the slowest reader sets the pace.
 */
export class ReceivedBody {
  #flow: Flow;
  readonly #readers = new Set<Reader>();
  /** From position `#start` of the body on. */
  #bytes = new Aggregate();
  #start = 0;
  #keeping: Keeping | undefined;
  /** Where what it has in memory counts, from when it was to be kept on. */
  #room: BodyRoom | undefined;
  /** How many bytes of it count there. */
  #counted = 0;
  #state: 'open' | 'ended' | { readonly error: Error } = 'open';
  #paused = false;
  /** Whether no more readers are to come. */
  #closed = false;
  #mend: ((error: Error) => Flow | undefined) | undefined;

  constructor(flow: Flow) {
    this.#flow = flow;
  }

  /** Keeps what is to come. Before the first byte. */
  keep(keeping: Keeping): void {
    this.#keeping = keeping;
    this.#room = keeping.room;
  }

  /**
   * Has something tried, once, where it breaks off.
   * @param mend returns where the rest comes from; undefined if it does not
   */
  mendBy(mend: (error: Error) => Flow | undefined): void {
    this.#mend = mend;
  }

  /** Bytes that have come. */
  get received(): number {
    return this.#start + this.#bytes.length;
  }

  /** Whether bytes at a position are those that have come; 'unknown' where these are not here any more. */
  compare(position: number, bytes: Aggregate): 'same' | 'other' | 'unknown' {
    const at = position - this.#start;
    if (at < 0) return 'unknown';
    using come = this.#bytes.slice(at, at + bytes.length);
    return come.equals(bytes) ? 'same' : 'other';
  }

  /** Bytes came. They are the body's from here on: nobody changes them. */
  push(bytes: Buffer): void {
    using piece = Aggregate.adopt(bytes);
    this.append(piece);
  }

  /** Bytes came, which are shared. */
  append(piece: Aggregate): void {
    if (this.#state !== 'open' || this.#isUnwanted()) return;
    if (this.#keeping !== undefined && !this.#mayKeep(piece.length)) this.#dropKeeping();
    this.#bytes.append(piece);
    this.#count();
    this.#wake();
    this.#settlePace();
  }

  /** All came. */
  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    const kept = this.#keeping?.done(this.#bytes);
    this.#keeping = undefined;
    if (kept !== undefined) {
      // Slow readers hold the one copy that is kept, and none of their own.
      this.#bytes.release();
      this.#count();
      this.#room = undefined;
      this.#bytes = kept;
    }
    this.#wake();
    this.#releaseIfDone();
  }

  /** No more comes. Readers get what came, and then the error. */
  fail(error: Error): void {
    if (this.#state !== 'open' || this.#isMended(error)) return;
    this.#state = { error };
    this.#dropKeeping();
    this.#wake();
    this.#releaseIfDone();
  }

  /** All of it, the caller's to release, if all has come and is here; otherwise a {@link reader}. */
  content(): Aggregate | AsyncIterableIterator<Aggregate> {
    const isWhole = this.#state === 'ended' && this.#start === 0 && !this.#bytes.released;
    return isWhole ? this.#bytes.duplicate() : this.reader();
  }

  /** A reader from the first byte on; it releases what it is given. Close it, or read it to its end. */
  reader(): AsyncIterableIterator<Aggregate> {
    const reader = new Reader(this);
    this.#readers.add(reader);
    return reader;
  }

  /** No more readers will come. */
  close(): void {
    this.#closed = true;
    this.#letGo();
  }

  /** What a reader at a position gets next; 'later' when nothing is there yet. */
  next(position: number): Aggregate | 'later' | 'end' {
    const at = position - this.#start;
    if (at < this.#bytes.length) return this.#bytes.slice(at, at + PIECE_BYTES);
    if (this.#state === 'open') return 'later';
    if (this.#state === 'ended') return 'end';
    throw this.#state.error;
  }

  /** A reader has gone on, or has left. */
  moved(reader: Reader, left: boolean): void {
    if (left) {
      this.#readers.delete(reader);
      // Others may be about to join.
      setImmediate(() => this.#dropIfAlone());
    }
    this.#letGo();
  }

  #mayKeep(more: number): boolean {
    const { limit, room } = this.#keeping as Keeping;
    return this.#bytes.length + more <= limit && room.has(more);
  }

  /** Tells the room what is in memory now. */
  #count(): void {
    if (this.#room === undefined) return;
    const bytes = this.#bytes.released ? 0 : this.#bytes.length;
    this.#room.add(bytes - this.#counted);
    this.#counted = bytes;
  }

  #wake(): void {
    for (const reader of this.#readers) reader.wake();
  }

  #dropKeeping(): void {
    const { dropped } = this.#keeping ?? {};
    this.#keeping = undefined;
    dropped?.();
  }

  #dropIfAlone(): void {
    if (this.#readers.size === 0 && this.#state === 'open' && this.#keeping?.evenAlone === false)
      this.#dropKeeping();
  }

  /** Lets go of what all readers have read, which those who are yet to come may need. */
  #letGo(): void {
    if (this.#closed && this.#keeping === undefined && !this.#bytes.released) {
      let least = this.#start + this.#bytes.length;
      for (const { position } of this.#readers) least = Math.min(least, position);
      this.#bytes.trimStart(least - this.#start);
      this.#count();
      this.#start = least;
    }
    this.#settlePace();
    this.#releaseIfDone();
  }

  #settlePace(): void {
    if (this.#state !== 'open' || this.#bytes.released) return;
    const full = this.#keeping === undefined && this.#bytes.length >= WINDOW_BYTES;
    if (full === this.#paused) return;
    this.#paused = full;
    if (full) this.#flow.pause();
    else this.#flow.resume();
  }

  #isMended(error: Error): boolean {
    const mend = this.#mend;
    this.#mend = undefined;
    const flow = this.#isUnwanted() ? undefined : mend?.(error);
    if (flow === undefined) return false;
    this.#flow = flow;
    if (this.#paused) flow.pause();
    return true;
  }

  #isUnwanted(): boolean {
    return this.#closed && this.#readers.size === 0 && !this.#keeping?.evenAlone;
  }

  #releaseIfDone(): void {
    if (this.#bytes.released || !this.#closed || this.#readers.size > 0) return;
    if (this.#state !== 'open') {
      this.#bytes.release();
      this.#count();
    } else if (!this.#keeping?.evenAlone) setImmediate(() => this.#abandon());
  }

  /** What has not come to its end by now, as bodies without content do, is not wanted. */
  #abandon(): void {
    if (this.#state !== 'open') return;
    this.#flow.abort();
    this.fail(new IoliteError('ERR_IOLITE_CLOSED', 'Cannot receive body: nobody reads it'));
  }
}

/** One who reads a body, at its own pace. */
class Reader implements AsyncIterableIterator<Aggregate> {
  position = 0;
  readonly #body: ReceivedBody;
  #done = false;
  #wake: (() => void) | undefined;

  constructor(body: ReceivedBody) {
    this.#body = body;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Aggregate, undefined>> {
    while (!this.#done) {
      const piece = this.#take();
      if (piece === 'end') break;
      if (piece === 'later') {
        await new Promise<void>(resolve => {
          this.#wake = resolve;
        });
        continue;
      }
      this.position += piece.length;
      this.#body.moved(this, false);
      return { done: false, value: piece };
    }
    return this.return();
  }

  async return(): Promise<IteratorResult<Aggregate, undefined>> {
    if (!this.#done) {
      this.#done = true;
      this.#body.moved(this, true);
      this.wake();
    }
    return { done: true, value: undefined };
  }

  /** There is more, or the end. */
  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #take(): Aggregate | 'later' | 'end' {
    try {
      return this.#body.next(this.position);
    } catch (error) {
      void this.return();
      throw error;
    }
  }
}
