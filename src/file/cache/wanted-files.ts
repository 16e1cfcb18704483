import { ignore } from '../../base/ignore.ts';

/** Most questions at a time whose answers nobody waits for. */
const MAX_OPEN_QUESTIONS = 64;
/** Paths that wait for their question: some 150 bytes each. Beyond that the earliest ones are asked for. */
const MAX_WAITING_PATHS = 16_384;
/** How often it is looked whether there is time to ask. */
const LOOK_MS = 50;
/** Looks for which a path waits at most for a moment when this domain has little to do. */
const MAX_LOOKS = 20;
/** The part of its time that a domain with little to do computes. */
const IDLE_PART = 0.5;
/** The part of what the owner keeps at most from which on it has no room. */
const FULL_PART = 0.9;
/** Looks for which nothing that came once is asked for since the owner had no room. */
const FULL_LOOKS = 200;

/** What files are asked of. */
export interface FileGiver {
  /** Has the owner give a file. */
  ask(path: string): Promise<unknown>;
  /** Bytes that it gave and that may still be used, and those that it keeps at most. */
  readonly bytes: number;
  readonly budget: number;
  /** Versions that it gave and has left since. */
  readonly left: number;
}

/**
 * Files that an attached domain has read itself, and that the owner of the cache is to have for the next
 * time. What came again is asked for at once. What came once is so as long as the owner has room, and late:
 * when this domain has little else to do, or after a second, so that a first pass over many files does not
 * pay for a second one that may not come.
 */
export class WantedFiles {
  readonly #giver: FileGiver;
  /** What came once: the earliest first, and the number of the look before which it came. */
  readonly #waiting = new Map<string, number>();
  #asked = 0;
  #looks = 0;
  #timer: NodeJS.Timeout | undefined;
  #lastUse = performance.eventLoopUtilization();
  #isIdle = false;
  #lastLeft: number;
  #fullUntil = 0;

  constructor(giver: FileGiver) {
    this.#giver = giver;
    this.#lastLeft = giver.left;
  }

  /** Asks for what has come again, unless much is asked for already. */
  again(path: string): void {
    this.#waiting.delete(path);
    if (this.#asked < MAX_OPEN_QUESTIONS) this.#ask(path);
  }

  /** Asks for what came once, some time, if there is room for it. */
  once(path: string): void {
    if (this.#looks < this.#fullUntil || this.#waiting.has(path)) return;
    this.#waiting.set(path, this.#looks);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#waiting.clear();
  }

  #look(): void {
    this.#looks += 1;
    const use = performance.eventLoopUtilization();
    this.#isIdle = performance.eventLoopUtilization(use, this.#lastUse).utilization < IDLE_PART;
    this.#lastUse = use;
    const { left } = this.#giver;
    if (left > this.#lastLeft) this.#full();
    this.#lastLeft = left;
    this.#askOn();
    // The looks go on until what was asked for has come, and while they are counted.
    if (this.#waiting.size > 0 || this.#asked > 0 || this.#looks < this.#fullUntil) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** What was given takes the place of something else. */
  #full(): void {
    this.#fullUntil = this.#looks + FULL_LOOKS;
    this.#waiting.clear();
  }

  #askOn(): void {
    for (const [path, look] of this.#waiting) {
      const isTime =
        this.#isIdle || look + MAX_LOOKS <= this.#looks || this.#waiting.size > MAX_WAITING_PATHS;
      if (!isTime || this.#asked >= MAX_OPEN_QUESTIONS) return;
      if (this.#giver.bytes >= FULL_PART * this.#giver.budget) return this.#full();
      this.#waiting.delete(path);
      this.#ask(path);
    }
  }

  #ask(path: string): void {
    this.#asked += 1;
    // What it fails with the next reader is told.
    this.#giver
      .ask(path)
      .catch(ignore)
      .finally(() => {
        this.#asked -= 1;
        if (this.#waiting.size > 0) this.#askOn();
      });
  }
}
