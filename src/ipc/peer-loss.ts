import { type PeerEnd, peerGoneError } from './wire/failure.ts';

/** How long the end of a process that this one started is waited for once its socket has ended. */
const END_MS = 1000;

/** That a peer is gone: how its process ended is known a moment after its socket has. */
export class PeerLoss {
  readonly #told: (error: Error) => void;
  #end: Promise<PeerEnd> | undefined;
  #isLost = false;

  /** @param told called once it is known why */
  constructor(told: (error: Error) => void) {
    this.#told = told;
  }

  /** Tells how the process at the other end ends. */
  endsWith(end: Promise<PeerEnd>): void {
    this.#end = end;
  }

  /** Its socket has ended, or failed. */
  lost(cause?: Error): void {
    if (this.#isLost) return;
    this.#isLost = true;
    if (this.#end === undefined) {
      this.#told(peerGoneError(cause));
      return;
    }
    const timer = setTimeout(() => this.#told(peerGoneError(cause)), END_MS);
    void this.#end.then(end => {
      clearTimeout(timer);
      this.#told(peerGoneError(cause, end));
    });
  }
}
