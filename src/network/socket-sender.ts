import type { Socket } from 'node:net';
import { Aggregate } from '../aggregate/aggregate.ts';
import type { Slice } from '../aggregate/slice.ts';
import { invariant } from '../base/invariant.ts';
import { boundUnsent, sendGathered } from '../os/gather.ts';
import { sendFromFile } from '../os/sendfile.ts';
import { closedEarly, writeFailure } from './send-errors.ts';
import { releaseSendParts, type SendParts } from './send-parts.ts';

/** How bytes get into a socket: see sendAggregate(). */
export type SendMode = 'auto' | 'copy' | 'reference';

/** More than this is a large body, whose reader matters: what waits for it in the socket is bounded. */
export const LARGE_BODY_BYTES = 128 * 1024;
/**
 * Copied bytes that wait in a TCP socket unsent, at most, for a reader that keeps up: with fewer, each
 * wake-up sends little (at 128 KiB a body of 1 MiB takes 1.5 times as long), and with more, they are out of
 * the processor's caches when their turn comes.
 */
const FAST_UNSENT_BYTES = 1024 ** 2;
/**
 * The same for readers that are slow or not known: what cannot go by reference takes memory while they read.
 */
const SLOW_UNSENT_BYTES = 32 * 1024;
/**
 * Bytes copied in one system call, a little more than half a mebibyte: two take a mebibyte with its header.
 */
const STEP_BYTES = 544 * 1024;
/** Bytes sent in one turn of the event loop: others wait meanwhile. */
const TURN_BYTES = 2 * 1024 ** 2;
/** What waits in Node's socket, whose being taken tells that there is room again. */
const SIGNAL_COPYING_BYTES = 64 * 1024;
const SIGNAL_REFERRING_BYTES = 4096;
/** A reader that lets us wait longer is slow: it takes about a megabyte a second. A fast one takes a ms. */
export const SLOW_READER_MS = 50;
/**
 * Bytes that a reader of unknown speed gets as a copy: what its window takes at once is not worth referring
 * to.
 */
export const FIRST_COPY_BYTES = 64 * 1024;
/** Smaller pieces are copied: referring to a page costs as much. */
const LEAST_REFERRED_BYTES = 4096;

/** What is to be sent, and whom to tell. */
export interface PendingSend {
  /** They are released when the kernel has no more need of them. */
  readonly parts: SendParts;
  readonly mode: SendMode;
  /** How many bytes of all that the socket has taken already. */
  readonly skip?: number;
  /** Whether it was full then. */
  readonly isFull?: boolean;
  /** Whether the reader has been fast before. Default false. */
  readonly isFast?: boolean;
  /** The kernel has taken all. */
  readonly sent: () => void;
  readonly failed: (error: Error) => void;
}

/**
 * Aggregates, and bytes around them, on their way into a socket of the kernel, by system calls of our own: a
 * third of what passing through Node's stream costs, and the only way to send by reference.
 *
 * When the socket is full, the next few bytes are written through Node's stream, which waits for room as it
 * does for everybody: when they are taken, we go on. So order, errors, time-outs and the closing are Node's
 * business alone.
 */
export class SocketSender {
  readonly #socket: Socket;
  readonly #fd: number;
  readonly #pending: PendingSend;
  readonly #pieces: Buffer[] = [];
  /** What the pieces are views of; undefined for mere bytes. */
  readonly #slices: (Slice | undefined)[] = [];
  /** The next byte to send: in which piece, and where. */
  #piece = 0;
  #offset = 0;
  #byReference = false;
  /** Bytes to be copied whoever reads. */
  readonly #first: number;
  readonly #isLarge: boolean;
  #isBounded = false;
  #keptUp: boolean | undefined;
  #waiting = false;
  #taken = 0;
  #over = false;

  constructor(socket: Socket, fd: number, pending: PendingSend) {
    this.#socket = socket;
    this.#fd = fd;
    this.#pending = pending;
    this.#first = pending.mode === 'auto' ? FIRST_COPY_BYTES : 0;
    let length = 0;
    for (const part of pending.parts) {
      length += part.length;
      if (!Aggregate.isAggregate(part)) this.#add(part, undefined);
      else for (const slice of part.gather().slices()) this.#add(slice.memory, slice);
    }
    this.#isLarge = length > LARGE_BODY_BYTES;
    this.#goByReference(pending.mode === 'reference' || (pending.mode === 'auto' && !pending.isFast));
    this.#advance(pending.skip ?? 0);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  /** Sends as far as the socket takes it. Call it once. */
  start(): void {
    // What the caller wrote before is Node's to send: ours goes behind it.
    const isFull = this.#socket.writableLength > 0 || this.#pending.isFull === true;
    if (isFull && this.#piece < this.#pieces.length) this.#sendSignal();
    else this.#go();
  }

  /** How many bytes the socket has taken, or Node for it: whether there is progress. */
  get taken(): number {
    return this.#taken;
  }

  /** Whether the reader was fast when it was last waited for; undefined when it was not. */
  get keptUp(): boolean | undefined {
    return this.#keptUp;
  }

  #goByReference(byReference: boolean): void {
    this.#byReference = byReference;
    this.#isBounded = false;
  }

  #add(bytes: Buffer, slice: Slice | undefined): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#slices.push(slice);
  }

  readonly #go = (): void => {
    if (this.#over) return;
    if (this.#socket.writableEnded || this.#socket.destroyed) {
      this.#fail(closedEarly());
      return;
    }
    let left = TURN_BYTES;
    while (this.#piece < this.#pieces.length) {
      if (left <= 0) {
        setImmediate(this.#go);
        return;
      }
      const count = this.#sendNow();
      if (count === 0) {
        this.#sendSignal();
        return;
      }
      left -= count;
    }
    this.#finish();
  };

  /** @returns how many bytes the socket took; 0 too when it failed: Node's write will say how */
  #sendNow(): number {
    const count = this.#refer() ?? this.#copy();
    this.#advance(count);
    return count;
  }

  /** Sends the rest of a piece by reference; undefined when it is to be copied. */
  #refer(): number | undefined {
    if (!this.#byReference || this.#taken < this.#first) return undefined;
    const slice = this.#slices[this.#piece];
    if (slice === undefined || slice.length - this.#offset < LEAST_REFERRED_BYTES) return undefined;
    const descriptor = slice.lease.chunk.sendableDescriptor();
    if (descriptor === undefined) return undefined;
    try {
      const count = slice.length - this.#offset;
      return sendFromFile(this.#fd, descriptor, slice.start + this.#offset, count) ?? 0;
    } catch {
      return 0;
    }
  }

  #copy(): number {
    const piece = this.#pieces[this.#piece] as Buffer;
    // Only copies are bounded: references may wait in the socket, they take no memory.
    if (this.#isLarge && !this.#isBounded && this.#taken >= this.#first) {
      this.#isBounded = true;
      boundUnsent(this.#fd, this.#byReference ? SLOW_UNSENT_BYTES : FAST_UNSENT_BYTES);
    }
    // What follows may go by reference.
    const most = !this.#byReference
      ? STEP_BYTES
      : this.#taken < this.#first
        ? this.#first - this.#taken
        : Math.min(STEP_BYTES, piece.length - this.#offset);
    return sendGathered(this.#fd, this.#pieces, this.#piece, this.#offset, most);
  }

  #sendSignal(): void {
    const view = this.#pieces[this.#piece] as Buffer;
    const most = this.#byReference ? SIGNAL_REFERRING_BYTES : SIGNAL_COPYING_BYTES;
    const signal = view.subarray(this.#offset, this.#offset + most);
    const since = performance.now();
    this.#advance(signal.length);
    this.#waiting = true;
    this.#socket.write(signal, error => {
      this.#waiting = false;
      if (this.#over) this.#release();
      else if (error) this.#fail(writeFailure(error));
      else {
        this.#keptUp = performance.now() - since <= SLOW_READER_MS;
        if (this.#pending.mode === 'auto' && this.#byReference === this.#keptUp)
          this.#goByReference(!this.#keptUp);
        this.#go();
      }
    });
  }

  #advance(count: number): void {
    this.#taken += count;
    this.#offset += count;
    for (;;) {
      const view = this.#pieces[this.#piece];
      if (view === undefined) {
        invariant(this.#offset === 0, 'a socket takes no more than there is');
        return;
      }
      if (this.#offset < view.length) return;
      this.#offset -= view.length;
      this.#piece += 1;
    }
  }

  #finish(): void {
    this.#over = true;
    this.#forgetSocket();
    this.#release();
    this.#pending.sent();
  }

  #fail(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    // The socket may tell of the error once more: the listeners stay until it is closed.
    if (!this.#waiting) this.#release();
    this.#pending.failed(error);
  }

  #release(): void {
    releaseSendParts(this.#pending.parts);
  }

  readonly #onError = (error: Error): void => this.#fail(error);

  /** Nobody looks at the memory any more: pending writes are cancelled before a socket closes. */
  readonly #onClose = (): void => {
    this.#fail(closedEarly());
    this.#forgetSocket();
    this.#release();
  };

  #forgetSocket(): void {
    this.#socket.off('error', this.#onError);
    this.#socket.off('close', this.#onClose);
  }
}
