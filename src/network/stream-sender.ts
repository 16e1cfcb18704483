import type { Writable } from 'node:stream';
import { Aggregate } from '../aggregate/aggregate.ts';
import { invariant } from '../base/invariant.ts';
import { closedEarly, writeFailure } from './send-errors.ts';
import { releaseSendParts, type SendParts } from './send-parts.ts';

/** Bytes handed to the stream and not yet taken by the kernel, at most, but for one piece. */
const OUTSTANDING_BYTES = 1024 ** 2;
/** Larger views are cut, so that the next piece is ready before the last one is gone. */
const PIECE_BYTES = 512 * 1024;

/**
 * An aggregate, and bytes before it, on their way into one stream of whatever kind, as views of the memory.
 * Takes the aggregate over, and releases it when the stream is done with the memory.
 */
export class StreamSender {
  readonly #stream: Writable;
  readonly #parts: SendParts;
  readonly #views: readonly Buffer[];
  readonly #sent: () => void;
  readonly #failed: (error: Error) => void;
  /** The next byte to hand in: in which view, and where. */
  #view = 0;
  #offset = 0;
  #outstanding = 0;
  #done = 0;
  #over = false;

  constructor(stream: Writable, parts: SendParts, sent: () => void, failed: (error: Error) => void) {
    this.#stream = stream;
    this.#parts = parts;
    this.#views = parts.flatMap(part => (Aggregate.isAggregate(part) ? part.gather().views() : [part]));
    this.#sent = sent;
    this.#failed = failed;
    stream.on('error', this.#onError);
    stream.on('close', this.#onClose);
  }

  /** Begins. Call it once. */
  start(): void {
    this.#pump();
  }

  /** How many bytes the stream is done with. */
  get taken(): number {
    return this.#done;
  }

  /** Hands in pieces as far as the bound on what is outstanding goes. */
  #pump(): void {
    if (this.#stream.destroyed) {
      this.#fail(closedEarly());
      return;
    }
    this.#stream.cork();
    while (this.#outstanding < OUTSTANDING_BYTES) {
      const piece = this.#nextPiece();
      if (piece === undefined) break;
      this.#outstanding += piece.length;
      this.#stream.write(piece, error => this.#taken(piece.length, error));
    }
    this.#stream.uncork();
    if (this.#outstanding === 0) this.#finish();
  }

  #nextPiece(): Buffer | undefined {
    const view = this.#views[this.#view];
    if (view === undefined) return undefined;
    const start = this.#offset;
    if (view.length - start <= PIECE_BYTES) {
      this.#view += 1;
      this.#offset = 0;
      return start === 0 ? view : view.subarray(start);
    }
    this.#offset = start + PIECE_BYTES;
    return view.subarray(start, start + PIECE_BYTES);
  }

  /** The stream is done with some bytes, whether they were sent or not. */
  #taken(length: number, error: Error | null | undefined): void {
    this.#outstanding -= length;
    invariant(this.#outstanding >= 0, 'a stream takes no more than it was given');
    if (error) this.#fail(writeFailure(error));
    else {
      this.#done += length;
      if (!this.#over && this.#outstanding <= OUTSTANDING_BYTES / 2) this.#pump();
    }
    if (this.#over && this.#outstanding === 0) this.#release();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#forgetStream();
    this.#release();
    this.#sent();
  }

  #fail(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#failed(error);
    // The stream may tell of the error once more: the listeners stay until it is closed.
    if (this.#outstanding === 0) this.#release();
  }

  #release(): void {
    releaseSendParts(this.#parts);
  }

  readonly #onError = (error: Error): void => this.#fail(error);

  /** Nobody looks at the memory any more: pending writes are cancelled before a stream closes. */
  readonly #onClose = (): void => {
    this.#fail(closedEarly());
    this.#forgetStream();
    this.#release();
  };

  #forgetStream(): void {
    this.#stream.off('error', this.#onError);
    this.#stream.off('close', this.#onClose);
  }
}
