import type { LogPosition, LogSelector } from '../../store/log/invalidation-log.ts';

/** What is longer goes by itself. */
const MAX_GATHERED_BYTES = 4096;
/** In the lists of a message of what was gathered: who reads it takes no more tags of values at once. */
const MAX_NAMES = 64;
/** What was gathered waits no longer for what is under way, which NATS may never answer. */
const PATIENCE_MS = 10;

/** Stores one message of a log. @returns where, when a majority has it */
export type StoreSelector = (topic: string, selector: LogSelector) => Promise<LogPosition>;

/** Selectors that go as one: of the same topic, and alike but for their lists. */
class Gathered {
  readonly stored: Promise<LogPosition>;
  readonly #topic: string;
  readonly #others: LogSelector;
  readonly #lists = new Map<string, Set<string>>();
  #settle: (stored: Promise<LogPosition>) => void = () => {};
  #names = 0;

  constructor(topic: string, others: LogSelector) {
    this.#topic = topic;
    this.#others = others;
    this.stored = new Promise(resolve => {
      this.#settle = resolve;
    });
  }

  hasRoom(names: number): boolean {
    return this.#names + names <= MAX_NAMES;
  }

  add(selector: LogSelector, names: number): void {
    this.#names += names;
    for (const [name, list] of Object.entries(selector)) {
      if (!Array.isArray(list)) continue;
      const all = this.#lists.get(name) ?? new Set();
      for (const each of list) all.add(each);
      this.#lists.set(name, all);
    }
  }

  send(store: StoreSelector): void {
    const lists = Object.fromEntries([...this.#lists].map(([name, names]) => [name, [...names]]));
    this.#settle(store(this.#topic, { ...this.#others, ...lists }));
  }
}

/**
 * Gathers what is told of while a message is under way, and sends that as one: so a log takes as many
 * invalidations as come, not as many as there are answers of NATS in that time. Each selector means all that
 * its lists name, so that several are one with all names. What comes alone goes at once.
 */
export class LogGathering {
  readonly #store: StoreSelector;
  readonly #gathered = new Map<string, Gathered>();
  #underway = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: StoreSelector) {
    this.#store = store;
  }

  /** @returns where it is stored, perhaps with others @throws as the message fails that it is a part of */
  tell(topic: string, selector: LogSelector): Promise<LogPosition> {
    const names = Object.values(selector).reduce(
      (sum, value) => sum + (Array.isArray(value) ? value.length : 0),
      0,
    );
    const isLong = names > MAX_NAMES || JSON.stringify(selector).length > MAX_GATHERED_BYTES;
    if (this.#underway === 0 || isLong) return this.#send(topic, selector);
    const others = Object.fromEntries(Object.entries(selector).filter(([, value]) => !Array.isArray(value)));
    const key = JSON.stringify([topic, Object.entries(others).sort()]);
    let gathered = this.#gathered.get(key);
    if (gathered?.hasRoom(names) === false) {
      this.#sendGathered(key, gathered);
      gathered = undefined;
    }
    if (gathered === undefined) {
      gathered = new Gathered(topic, others);
      this.#gathered.set(key, gathered);
    }
    gathered.add(selector, names);
    this.#timer ??= setTimeout(this.#sendAll, PATIENCE_MS);
    return gathered.stored;
  }

  readonly #sendAll = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [key, gathered] of this.#gathered) this.#sendGathered(key, gathered);
  };

  #sendGathered(key: string, gathered: Gathered): void {
    this.#gathered.delete(key);
    gathered.send((topic, selector) => this.#send(topic, selector));
  }

  #send(topic: string, selector: LogSelector): Promise<LogPosition> {
    this.#underway += 1;
    const stored = this.#store(topic, selector);
    const ended = (): void => {
      this.#underway -= 1;
      this.#sendAll();
    };
    stored.then(ended, ended);
    return stored;
  }
}
