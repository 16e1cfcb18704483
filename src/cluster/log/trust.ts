import { now } from '../../base/clock.ts';

/**
 * From when an entry was sent that a majority has stored. Others wait for this machine as long as it is
 * there, 15 seconds: this is less, as nothing may be used here when they wait no more.
 */
const LEASE_MS = 12_000;

/**
 * Whether a machine may use what it has stored without a question. It may as long as it hears the log, and
 * the others are certain to wait for it:
 *
 *     cut off ──restore: has read what was in the log when the others knew of it again──▶ trusted
 *        ▲                                                                                   │
 *        └──── heard nothing for maxLag, its entry is as old as 12 s, or the log is lost ────┘
 *
 * No clock is compared with that of another machine.
 */
export class Trust {
  readonly #maxLag: number;
  readonly #clock: () => number;
  readonly #told: (until: number) => void;
  #state: 'cut off' | 'trusted' = 'cut off';
  #heardAt = Number.NEGATIVE_INFINITY;
  #renewedAt = Number.NEGATIVE_INFINITY;

  /** @param told of each change of {@link until} @param clock for tests */
  constructor(maxLag: number, told: (until: number) => void, clock = now) {
    this.#maxLag = maxLag;
    this.#told = told;
    this.#clock = clock;
  }

  /** Until when what is stored may be used; 0: not at all. */
  get until(): number {
    this.#look();
    return this.#state === 'trusted' ? this.#end : 0;
  }

  /** Whether the others wait for what this machine carries out. */
  get isWaitedFor(): boolean {
    return this.#renewedAt + LEASE_MS > this.#clock();
  }

  /** The log was heard. */
  heard(): void {
    this.#look();
    this.#heardAt = this.#clock();
    this.#tell();
  }

  /** @param sentAt when an entry was sent that a majority has stored */
  renewed(sentAt: number): void {
    this.#look();
    this.#renewedAt = Math.max(this.#renewedAt, sentAt);
    this.#tell();
  }

  /** Nothing is to be used any more. */
  end(): void {
    if (this.#state === 'cut off') return;
    this.#state = 'cut off';
    this.#told(0);
  }

  /** All is known that others may have waited for in vain. */
  restore(): void {
    if (this.#state === 'trusted' || this.#end <= this.#clock()) return;
    this.#state = 'trusted';
    this.#tell();
  }

  /** What was heard too late restores nothing: something may be missing between. */
  #look(): void {
    if (this.#state === 'trusted' && this.#end <= this.#clock()) this.end();
  }

  #tell(): void {
    if (this.#state === 'trusted') this.#told(this.#end);
  }

  get #end(): number {
    return Math.min(this.#heardAt + this.#maxLag, this.#renewedAt + LEASE_MS);
  }
}
