import { now } from '../../base/clock.ts';
import { idleMemory } from '../../memory/idle-memory.ts';
import { eventChannel } from '../../observe/events.ts';
import { observe, type Sample } from '../../observe/sources.ts';
import { MemoryGauge, type MemoryReading } from '../../os/container/memory-gauge.ts';
import { allowances } from './allowances.ts';

/** What keeps memory for later and can do with less. Bytes throughout. */
export interface Governed {
  /** Most that it may ever have. */
  readonly budget: number;
  /** Most that it may have now. */
  readonly allowance: number;
  /** What it has now, whoever uses it. */
  readonly footprint: number;
  /** Less than this is no use to it: then it is left alone. */
  readonly leastAllowance: number;
  /** Sets the allowance, and gives up what is beyond it, as far as nobody uses it. */
  confine(bytes: number): void;
}

export interface GovernorOptions {
  readonly gauge?: { read(): MemoryReading };
  /** Told, for people, of a budget that memory does not allow, and of memory that stays short. */
  readonly complain?: (message: string) => void;
}

/** Times between two readings: with a quarter of the limit free or more, and with nothing free. */
const LONGEST_MS = 1000;
const SHORTEST_MS = 50;
const CALM_PART = 1 / 4;
/** Kept free of caches: for what comes between two readings, and so that programs stay in the page cache. */
const RESERVE_PART = 1 / 8;
const LEAST_RESERVE_BYTES = 4 * 1024 ** 2;
const MOST_RESERVE_BYTES = 64 * 1024 ** 2;
/** Caches are asked to grow only when memory was not short for so long, */
const PATIENCE_MS = 2000;
/** and by steps of this part of their budget at least. */
const STEP_PART = 1 / 16;
/** Somebody who waits for memory for this part of the time is under pressure. */
const STALLED_PART = 1 / 10;
/** and caches give up this part of the limit for them, with each reading. */
const STALLED_STEP_PART = 1 / 64;
/** What is taken in between readings, as a part of what is free beside the reserve; and always at least. */
const UNSEEN_PART = 1 / 4;
/** What comes beside the budgets of caches waits while less than this part of the reserve would be left, */
const KEPT_PART = 1 / 2;
/** looking so often whether there is more, */
const WAIT_MS = 10;
/** and no longer than this: then it is tried. */
const LONGEST_WAIT_MS = 1000;
/** No content should be more than this part of the limit, in one go: several are read at a time. */
const PIECE_PART = 1 / 32;
const LEAST_UNSEEN_BYTES = 1024 ** 2;
const MIB_BYTES = 1024 ** 2;

const shrunk = eventChannel('iolite:governor:shrink');

/** Waits for memory. */
interface Waiter {
  readonly bytes: number;
  readonly since: number;
  readonly resolve: () => void;
}

/**
 * Keeps the caches of this thread within the memory that is there, whatever their budgets say: shrinks them
 * before the kernel kills somebody, and lets them grow again when there is room.
 *
 *     limit of the cgroup or the machine
 *     | used: processes, kernel, caches               | room       | reserve |
 *                                   a cache may have what it has, and of this
 *
 * It reads how much is used every second, more often as the limit comes near, and when caches are about to
 * take much. So a limit that is lowered while it runs is followed. First idle memory of pools is given back,
 * then caches are confined, each in proportion to what it has. It runs only while there are caches.
 */
export class Governor {
  readonly #gauge: Required<GovernorOptions>['gauge'];
  readonly #governed = new Set<Governed>();
  #complain: (message: string) => void;
  #timer: NodeJS.Timeout | undefined;
  /** Bytes that caches have asked for since the last reading, and with how many another one is due. */
  #unseen = 0;
  #mostUnseen = 0;
  /** Bytes that may be taken beside budgets before something waits, by the last reading. */
  #spare = Number.POSITIVE_INFINITY;
  readonly #waiters: Waiter[] = [];
  /** When memory was last short, and what the last reading was. */
  #shortAt = Number.NEGATIVE_INFINITY;
  #last: (MemoryReading & { readonly at: number }) | undefined;
  #looking = false;
  #complainedOfBudget = false;
  #complainedOfShortage = false;
  #shrinks = 0;

  constructor({ gauge = new MemoryGauge(), complain = warn }: GovernorOptions = {}) {
    this.#gauge = gauge;
    this.#complain = complain;
    observe('memory', this, Governor.#samplesOf);
  }

  static #samplesOf(governor: Governor): readonly Sample[] {
    const { running } = governor;
    const shrinks = governor.#shrinks;
    if (!running || governor.#last === undefined) return [{ labels: {}, figures: { shrinks } }];
    const { limit, used } = governor.#last;
    return [{ labels: {}, figures: { limit, used, shrinks } }];
  }

  /** Whether it watches. */
  get running(): boolean {
    return this.#timer !== undefined;
  }

  /** Who is told, from here on. */
  set complain(complain: (message: string) => void) {
    this.#complain = complain;
  }

  add(governed: Governed): void {
    this.#governed.add(governed);
    this.look();
  }

  /** Not governed any more. It keeps the allowance that it has. */
  remove(governed: Governed): void {
    this.#governed.delete(governed);
    if (this.#governed.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  /** Most bytes that there are, for whomever, by the nearest bound. */
  get limit(): number {
    return (this.running ? this.#last : undefined)?.limit ?? this.#gauge.read().limit;
  }

  /** Most bytes that one content should take in one go. */
  get pieceBytes(): number {
    return (this.#last?.limit ?? Number.POSITIVE_INFINITY) * PIECE_PART;
  }

  /** Whether there are so many bytes to be had, as far as is known, and nobody waits for some. */
  hasMemoryFor(bytes: number): boolean {
    return this.#waiters.length === 0 && this.#spare - this.#unseen >= bytes;
  }

  /**
   * Whether so much may be read now; caches may have no room for it, so that it comes on top of them.
   * @returns undefined if so; otherwise what resolves when it may, or after a second
   */
  memoryFor(bytes: number): Promise<void> | undefined {
    if (this.hasMemoryFor(bytes)) return undefined;
    return new Promise(resolve => {
      this.#waiters.push({ bytes, since: now(), resolve });
      this.look();
    });
  }

  /** A cache is about to take memory. Costs an addition, and sometimes a reading. */
  before(bytes: number): void {
    this.#unseen += bytes;
    if (this.#unseen > this.#mostUnseen) this.look();
  }

  /** Reads how much memory is used, and sets allowances by it. */
  look(): void {
    // Who is confined may ask for memory, to put together what is left.
    if (this.#looking) return;
    this.#looking = true;
    try {
      this.#look();
    } finally {
      this.#looking = false;
    }
  }

  #look(): void {
    const reading = this.#gauge.read();
    const reserve = reserveOf(reading.limit);
    let room = reading.limit - reading.used - reserve;
    if (room < 0) room += idleMemory.trim();
    // Who fills the rest with the page cache waits now and then for a page of that: which harms nobody.
    const isTight = room < reading.limit * RESERVE_PART && reading.reclaimable < reserve;
    const pressure = isTight ? this.#pressure(reading) : 'none';
    // What is counted as free is not there for those who wait for it.
    if (pressure === 'stalled') room = Math.min(room, -reading.limit * STALLED_STEP_PART);
    if (room < 0 || pressure !== 'none') this.#shortAt = now();
    this.#last = { ...reading, at: now() };
    this.#say(reading, room);
    this.#confine(room);
    this.#unseen = 0;
    this.#mostUnseen = Math.max(LEAST_UNSEEN_BYTES, room * UNSEEN_PART);
    this.#spare = reading.limit - reading.used - reserve * KEPT_PART;
    this.#admit();
    this.#schedule(room / (reading.limit * CALM_PART));
  }

  /** Lets those go on, in their order, that there is memory for now. */
  #admit(): void {
    for (let first = this.#waiters[0]; first !== undefined; first = this.#waiters[0]) {
      if (this.#spare < first.bytes && now() - first.since < LONGEST_WAIT_MS) return;
      this.#spare -= first.bytes;
      this.#waiters.shift();
      first.resolve();
    }
  }

  /** @param calm 0 or less: memory is short; 1 or more: there is much of it */
  #schedule(calm: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#governed.size === 0) return;
    const part = Number.isNaN(calm) ? 1 : Math.min(1, Math.max(0, calm));
    const isAwaited = this.#waiters.length > 0;
    const wait = isAwaited ? WAIT_MS : SHORTEST_MS + (LONGEST_MS - SHORTEST_MS) * part;
    this.#timer = setTimeout(() => this.look(), wait);
    if (!isAwaited) this.#timer.unref();
  }

  /**
   * Whether somebody came upon the limit since the last reading, as happens where the page cache has all that
   * is left; or was held up by it for much of the time.
   */
  #pressure({ strains, stalled }: MemoryReading): 'none' | 'strained' | 'stalled' {
    if (this.#last === undefined) return 'none';
    const stalledPart = (stalled - this.#last.stalled) / 1000 / Math.max(1, now() - this.#last.at);
    if (stalledPart > STALLED_PART) return 'stalled';
    return strains > this.#last.strains ? 'strained' : 'none';
  }

  #confine(room: number): void {
    const all = [...this.#governed];
    const wanted = allowances(all, room);
    const isCalm = now() - this.#shortAt > PATIENCE_MS;
    for (const [index, governed] of all.entries()) {
      const { allowance, budget, footprint } = governed;
      const bytes = wanted[index] as number;
      const grows = isCalm && bytes - allowance >= Math.min(budget * STEP_PART, budget - allowance);
      if (bytes < allowance) this.#shrinking(allowance, bytes);
      if (bytes < allowance || (bytes > allowance && grows)) governed.confine(bytes);
      // What somebody used when it was confined may be free by now.
      else if (footprint > allowance) governed.confine(allowance);
    }
  }

  #shrinking(before: number, allowance: number): void {
    this.#shrinks += 1;
    const { limit = 0, used = 0 } = this.#last ?? {};
    if (shrunk.hasSubscribers) shrunk.publish({ before, allowance, limit, used });
  }

  #say({ limit, used }: MemoryReading, room: number): void {
    const budget = [...this.#governed].reduce((sum, each) => sum + each.budget, 0);
    if (!this.#complainedOfBudget && budget > limit) {
      this.#complainedOfBudget = true;
      this.#complain(
        `The budget of ${mib(budget)} cannot be met: there are ${mib(limit)} of memory. ` +
          'What is cached stays below that',
      );
    }
    const canGive = [...this.#governed].some(each => each.allowance > each.leastAllowance);
    if (room >= 0) this.#complainedOfShortage = false;
    else if (!canGive && !this.#complainedOfShortage && limit - used < reserveOf(limit) / 2) {
      this.#complainedOfShortage = true;
      this.#complain(
        `Memory is short: ${mib(used)} of ${mib(limit)} are used, and caches are at their least`,
      );
    }
  }
}

/** Bytes of a bound on memory that caches are to leave free. */
function reserveOf(limit: number): number {
  if (limit === Number.POSITIVE_INFINITY) return 0;
  return Math.min(MOST_RESERVE_BYTES, Math.max(LEAST_RESERVE_BYTES, limit * RESERVE_PART));
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB_BYTES)} MiB`;
}

function warn(message: string): void {
  process.emitWarning(message, 'IoliteWarning');
}

let governor: Governor | undefined;

/** The governor of this thread's caches. */
export function ownGovernor(): Governor {
  governor ??= new Governor();
  return governor;
}
