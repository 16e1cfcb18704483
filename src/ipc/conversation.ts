import { invariant } from '../base/invariant.ts';
import { checkLength, type Frame, protocolError } from './wire/frame.ts';

/** What may follow each state of this side. */
const NEXT_STATES = {
  open: ['closing', 'closed'],
  closing: ['finished', 'closed'],
  finished: ['closed'],
  closed: [],
} as const satisfies Record<string, readonly string[]>;

type OwnState = keyof typeof NEXT_STATES;

/**
 * How far each side of a connection is, of a channel or a link: each greets, sends its messages, and says
 * farewell. The states, and what leads from one to the next, are drawn at {@link Channel}.
 */
export class Conversation {
  readonly #closedError: () => Error;
  #own: OwnState = 'open';
  #peer: 'silent' | 'greeted' | 'finished' = 'silent';
  /** Whoever waits for the peer's greeting. */
  readonly #waiters: { resolve: () => void; reject: (error: Error) => void }[] = [];
  /** Why it closed, unless gracefully. */
  #accident: Error | undefined;

  /** @param closedError what is thrown when it was closed on this side, and not by an accident */
  constructor(closedError: () => Error) {
    this.#closedError = closedError;
  }

  /** How far this side is. */
  get own(): OwnState {
    return this.#own;
  }

  get isClosed(): boolean {
    return this.#own === 'closed';
  }

  /** Whether it ends, and is not closed. */
  get isEnding(): boolean {
    return this.#own === 'closing' || this.#own === 'finished';
  }

  /** Whether the peer has not greeted. */
  get isSilent(): boolean {
    return this.#peer === 'silent';
  }

  /** Whether both sides have said farewell. */
  get isOver(): boolean {
    return this.#own === 'finished' && this.#peer === 'finished';
  }

  /** Why nothing may be sent any more; undefined as long as it may. */
  readonly whyClosed = (): Error | undefined => {
    return this.#own === 'open' ? undefined : (this.#accident ?? this.#closedError());
  };

  /** Throws unless messages are accepted. */
  checkOpen(): void {
    const reason = this.whyClosed();
    if (reason !== undefined) throw reason;
  }

  /** Resolves when the peer has greeted. @throws why it closed before that */
  ready(): Promise<void> {
    if (this.#peer !== 'silent') return Promise.resolve();
    if (this.isClosed) return Promise.reject(this.whyClosed());
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** No messages are accepted any more. */
  beginToClose(): void {
    if (this.#own === 'open') this.#enter('closing');
  }

  /** All that was accepted is written. @returns whether that is new: then this side says farewell */
  finish(): boolean {
    if (this.#own !== 'closing') return false;
    this.#enter('finished');
    return true;
  }

  /** The peer has greeted. */
  greeted(): void {
    if (this.#peer !== 'silent' || this.isClosed) return;
    this.#peer = 'greeted';
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  /** A message of the peer comes. @throws ERR_IOLITE_PROTOCOL */
  checkMessage(): void {
    if (this.#peer === 'finished') throw protocolError('a message came after its farewell');
  }

  /** A BYE frame. @param openStreams of the peer's @throws ERR_IOLITE_PROTOCOL */
  farewell(frame: Frame, openStreams: number): void {
    checkLength(frame, 0);
    if (this.#peer === 'finished') throw protocolError('it said farewell twice');
    if (openStreams > 0) throw protocolError('it said farewell before its streams had ended');
    this.#peer = 'finished';
    this.beginToClose();
  }

  /** Nothing is sent or received any more. @returns why, for whoever waits */
  close(accident: Error | undefined): Error {
    this.#enter('closed');
    this.#accident = accident;
    const reason = accident ?? this.#closedError();
    for (const { reject } of this.#waiters.splice(0)) reject(reason);
    return reason;
  }

  #enter(state: OwnState): void {
    const next: readonly OwnState[] = NEXT_STATES[this.#own];
    invariant(next.includes(state), 'the states of a connection follow one another as its table says');
    this.#own = state;
  }
}
