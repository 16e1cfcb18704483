import { type Frame, FrameReader, Postponed } from '../wire/frame.ts';
import { Postponement } from './postponement.ts';
import { turn } from './turn.ts';

/** What an {@link Intake} does to its channel. */
export interface IntakeHost {
  /** Reads nothing more of the peer: what it sends waits in the socket, and then with the peer. */
  pause(): void;
  resume(): void;
  /** Calls {@link Intake.take} with no bytes. */
  retry(): void;
  /** A frame. May throw, {@link Postponed} too. */
  deliver(frame: Frame): void;
  /** The peer broke the protocol or a quota. */
  fail(error: Error): void;
}

/** Cuts what a peer sends into frames, and delivers them as far as this turn and each frame allow. */
export class Intake {
  readonly #host: IntakeHost;
  readonly #reader = new FrameReader();
  readonly #postponement: Postponement;
  readonly #deliver: (frame: Frame) => void;
  #isEnded = false;

  constructor(host: IntakeHost) {
    this.#host = host;
    this.#postponement = new Postponement(host, turn);
    this.#deliver = frame => host.deliver(frame);
  }

  /** Bytes came. */
  take(bytes: Buffer): void {
    turn.begin();
    try {
      if (this.#reader.push(bytes, this.#deliver, turn)) this.#postponement.caughtUp();
      else if (!this.#isEnded) this.#postponement.rest();
    } catch (error) {
      if (error instanceof Postponed) this.#postponement.postpone(error);
      else this.#host.fail(error as Error);
    }
    turn.end();
  }

  /** The channel is closed. */
  end(): void {
    this.#isEnded = true;
    this.#postponement.end();
  }
}
