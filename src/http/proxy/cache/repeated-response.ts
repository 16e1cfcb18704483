import type { Repeatable } from '../../../base/repeatable.ts';
import { noteHit } from './answer-count.ts';
import { ageBy, type Freshness, freshnessOf } from './freshness.ts';
import type { ResponseFacts } from './response-facts.ts';

const ZERO = 0x30;
const LINE_END = '\r\n';
const AGE = '\r\nAge: ';
const CACHE_STATUS = '\r\nCache-Status: ';

/**
 * A stored response that is sent again to the same bytes of a request, as long as it is fresh and in the
 * store. Its age and the seconds that it is fresh yet, which end the lines of Age and Cache-Status, are
 * written anew when they are others: as long as they have as many digits as before.
 */
export class RepeatedResponse implements Repeatable {
  readonly #stored: Repeatable;
  /** When it came, in milliseconds since the epoch, and what tells its age. */
  readonly #receivedAt: number;
  readonly #freshness: Freshness;
  readonly #lifetime: number;
  #age: number;
  #ttl: number;
  readonly #ageDigits: number;
  readonly #ttlDigits: number;
  /** Whether the head says something else. */
  #isOld = false;
  /** Where the two lines end, from the head's start. */
  #ageEnd = 0;
  #ttlEnd = 0;

  /**
   * @param stored whether what selected it, and it itself, are in the store
   * @param now when the answer was made that is repeated
   */
  constructor(stored: Repeatable, facts: ResponseFacts, now: number) {
    const freshness = freshnessOf(facts);
    const { lifetime } = freshness;
    this.#stored = stored;
    this.#receivedAt = facts.receivedAt;
    this.#freshness = freshness;
    this.#lifetime = lifetime;
    const age = this.#ageAt(now);
    this.#age = Math.floor(age);
    this.#ttl = Math.floor(lifetime - age);
    this.#ageDigits = digits(this.#age);
    this.#ttlDigits = digits(this.#ttl);
  }

  get slice(): unknown {
    return this.#stored.slice;
  }

  mayRepeat(): boolean {
    const age = this.#ageAt(Date.now());
    const left = this.#lifetime - age;
    const seconds = Math.floor(age);
    // The second test is for a clock that was set back.
    if (left <= 0 || seconds < this.#age) return false;
    const ttl = Math.floor(left);
    if (seconds !== this.#age || ttl !== this.#ttl) {
      if (digits(seconds) !== this.#ageDigits || digits(ttl) !== this.#ttlDigits) return false;
      this.#age = seconds;
      this.#ttl = ttl;
      this.#isOld = true;
    }
    if (!this.#stored.mayRepeat()) return false;
    noteHit();
    return true;
  }

  /** To the last bit as the answer has it, whose digits are written over: see `ageOf`. */
  #ageAt(now: number): number {
    return ageBy(this.#freshness, this.#receivedAt, now);
  }

  renew(memory: Buffer, start: number, end: number): void {
    if (!this.#isOld) return;
    this.#isOld = false;
    if (this.#ageEnd === 0) {
      const head = memory.subarray(start, end);
      this.#ageEnd = endOfLine(head, AGE);
      this.#ttlEnd = endOfLine(head, CACHE_STATUS);
    }
    if (this.#ageEnd > 0) writeNumber(memory, start + this.#ageEnd, this.#age, this.#ageDigits);
    if (this.#ttlEnd > 0) writeNumber(memory, start + this.#ttlEnd, this.#ttl, this.#ttlDigits);
  }
}

/** @param line how it begins. @returns -1 when there is none, as somebody on the way has taken it off */
function endOfLine(head: Buffer, line: string): number {
  const at = head.lastIndexOf(line);
  return at === -1 ? -1 : head.indexOf(LINE_END, at + LINE_END.length);
}

function digits(value: number): number {
  let count = 1;
  for (let bound = 10; value >= bound; bound *= 10) count += 1;
  return count;
}

/** In as many digits. @param end behind the last one */
function writeNumber(memory: Uint8Array, end: number, value: number, count: number): void {
  let rest = value;
  for (let at = end - 1; at >= end - count; at--) {
    memory[at] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}
