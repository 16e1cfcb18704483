import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { BodyStream } from '../message/body.ts';
import type { FrameOutput } from './wire/frame-output.ts';

/** Who waits for the pieces of a body. */
export interface PieceWaiter {
  /** Another piece is there, or the body has ended. */
  pieceCame(): void;
  /** The body failed. */
  pieceFailed(error: unknown): void;
}

/** The body of an answer while it is sent: by views of the memory where it lies, one piece at a time. */
export class OutgoingBody {
  /** What is being sent. */
  #piece: Aggregate | undefined;
  #views: readonly Buffer[] = [];
  #view = 0;
  #offset = 0;
  #left = 0;
  #iterator: AsyncIterator<Aggregate> | undefined;
  #isWaiting = false;
  #isOver = false;

  /** Bytes that can be sent now. */
  get available(): number {
    return this.#left;
  }

  /** Whether nothing comes behind what is available. */
  get isLast(): boolean {
    return this.#iterator === undefined;
  }

  /** @param body taken over */
  setWhole(body: Aggregate | undefined): void {
    if (body === undefined) return;
    this.#take(body);
  }

  /** @param body taken over: taken to its end, or closed */
  setStream(body: BodyStream): void {
    this.#iterator = body[Symbol.asyncIterator]();
  }

  /** Asks for the next piece, if there is one to come and none is there. */
  pull(waiter: PieceWaiter): void {
    if (this.#iterator === undefined || this.#isWaiting || this.#left > 0) return;
    this.#isWaiting = true;
    this.#iterator.next().then(
      ({ done, value }) => {
        this.#isWaiting = false;
        if (done === true) this.#iterator = undefined;
        else if (this.#isOver) value.release();
        else this.#take(value);
        if (this.#isOver) return;
        if (this.#left === 0 && this.#iterator !== undefined) this.pull(waiter);
        else waiter.pieceCame();
      },
      error => {
        this.#isWaiting = false;
        this.#iterator = undefined;
        if (!this.#isOver) waiter.pieceFailed(error);
      },
    );
  }

  /** Puts so many bytes of what is available into frames. */
  put(count: number, output: FrameOutput): void {
    let left = count;
    this.#left -= count;
    while (left > 0) {
      const view = this.#views[this.#view] as Buffer;
      const end = Math.min(view.length, this.#offset + left);
      output.view(this.#offset === 0 && end === view.length ? view : view.subarray(this.#offset, end));
      left -= end - this.#offset;
      this.#offset = end;
      if (end < view.length) continue;
      this.#view += 1;
      this.#offset = 0;
    }
    if (this.#left > 0) return;
    output.hold(this.#piece as Aggregate);
    this.#piece = undefined;
    this.#views = [];
  }

  /** Nobody wants what is left: it is released, and whoever makes it is told. */
  giveUp(): void {
    this.#isOver = true;
    this.#left = 0;
    this.#views = [];
    this.#piece?.release();
    this.#piece = undefined;
    this.#iterator?.return?.()?.catch(() => {});
    this.#iterator = undefined;
  }

  #take(piece: Aggregate): void {
    if (piece.length === 0) {
      piece.release();
      return;
    }
    this.#piece = piece;
    this.#views = [...piece.memory()];
    this.#view = 0;
    this.#offset = 0;
    this.#left = piece.length;
  }
}
