/** Pieces below this are put together: less than what an aggregate keeps of each costs beside them. */
const SMALL_BYTES = 1024;

/**
 * Pieces of a body that come in one go, as many as an origin makes of its bytes: those that are small are
 * copied into one, for a piece costs a hundred bytes wherever it is kept. They are there before anything else
 * happens.
 */
export class PieceQueue {
  readonly #push: (piece: Buffer) => void;
  #pieces: Buffer[] = [];

  /** @param push who gets them, in order */
  constructor(push: (piece: Buffer) => void) {
    this.#push = push;
  }

  /** @param piece that nobody changes from here on */
  push(piece: Buffer): void {
    if (this.#pieces.push(piece) === 1) queueMicrotask(this.flush);
  }

  /** Nothing is held back any more. */
  readonly flush = (): void => {
    const pieces = this.#pieces;
    this.#pieces = [];
    for (let at = 0; at < pieces.length; ) {
      let end = at + 1;
      if (isSmall(pieces[at])) while (isSmall(pieces[end])) end += 1;
      this.#push(end === at + 1 ? (pieces[at] as Buffer) : Buffer.concat(pieces.slice(at, end)));
      at = end;
    }
  };
}

function isSmall(piece: Buffer | undefined): boolean {
  return piece !== undefined && piece.length < SMALL_BYTES;
}
