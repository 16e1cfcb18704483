import type { Aggregate } from '../../src/aggregate/aggregate.ts';
import type { Draw } from '../draw.ts';
import { faultOf, type Stamp } from '../payload.ts';
import type { ActorLine } from './actor-line.ts';

const LOOK_MS = 10;
/** Held at once, unless it hoards. */
const MAX_HELD_PAYLOADS = 48;

interface Held {
  readonly body: Aggregate;
  readonly stamps: readonly Stamp[];
  readonly until: number;
}

/** Verifies what comes, twice: at once, and after holding it. */
export class Holder {
  readonly #line: Pick<ActorLine, 'tally' | 'wrong'>;
  readonly #draw: Draw;
  readonly #longest: number;
  #held: Held[] = [];
  #hoardsUntil = 0;

  /** @param longest that something is held, in milliseconds */
  constructor(line: Pick<ActorLine, 'tally' | 'wrong'>, draw: Draw, longest: number) {
    this.#line = line;
    this.#draw = draw;
    this.#longest = longest;
    setInterval(() => this.#look(), LOOK_MS).unref();
  }

  get size(): number {
    return this.#held.length;
  }

  /** Takes over a body, and releases it in time. @returns whether it is right so far */
  take(body: Aggregate, stamps: readonly Stamp[]): boolean {
    if (!this.#verify(body, stamps, 'at once')) {
      body.release();
      return false;
    }
    this.#held.push({ body, stamps, until: performance.now() + this.#draw.integer(0, this.#longest) });
    return true;
  }

  /** Something of what is held now. Not retained. */
  some(): { readonly body: Aggregate; readonly stamps: readonly Stamp[] } | undefined {
    return this.#held.length === 0 ? undefined : this.#draw.pick(this.#held);
  }

  /** Lets go of nothing for so many milliseconds. */
  hoard(lasts: number): void {
    this.#hoardsUntil = performance.now() + lasts;
  }

  /** Verifies and lets go of everything now. */
  clear(): void {
    this.#hoardsUntil = 0;
    for (const held of this.#held.splice(0)) this.#end(held);
  }

  #look(): void {
    const now = performance.now();
    if (now < this.#hoardsUntil) return;
    const surplus = this.#held.length - MAX_HELD_PAYLOADS;
    this.#held = this.#held.filter((held, index) => {
      if (held.until > now && index >= surplus) return true;
      this.#end(held);
      return false;
    });
  }

  #end({ body, stamps }: Held): void {
    this.#verify(body, stamps, 'after it was held');
    body.release();
  }

  #verify(body: Aggregate, stamps: readonly Stamp[], when: string): boolean {
    const fault = faultOf(body, stamps);
    this.#line.tally.add('bytesVerified', body.length);
    this.#line.tally.add('payloads');
    if (fault !== undefined) this.#line.wrong(`${when}: ${fault}`);
    return fault === undefined;
  }
}
