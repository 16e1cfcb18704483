import { ArgumentError } from '../base/error.ts';
import type { InvalidationLog, LogFollower, LogSelector } from '../store/log/invalidation-log.ts';
import { checkSelector, type Selector } from './selector.ts';

/** Has a cache forget what caches of its name forget on other machines, and tells them what it forgets. */
export class ValueFollower implements LogFollower {
  readonly #topic: string;
  readonly #log: InvalidationLog;
  readonly #invalidate: (selector: Selector) => Promise<unknown>;
  readonly #end: () => void;

  /** Begins. @param invalidate has this machine's cache forget @throws ERR_IOLITE_CLOSED */
  constructor(name: string, log: InvalidationLog, invalidate: (selector: Selector) => Promise<unknown>) {
    this.#topic = `values.${name}`;
    this.#log = log;
    this.#invalidate = invalidate;
    this.#end = log.follow(this.#topic, this);
  }

  /** Tells the others, and waits until what they told before is carried out here. */
  async tell(selector: Selector): Promise<void> {
    await this.#log.appliedHere(await this.#log.tell(this.#topic, { ...selector }));
  }

  async carryOut(selector: LogSelector): Promise<void> {
    try {
      checkSelector(selector);
    } catch (error) {
      if (!(error instanceof ArgumentError)) throw error;
      // Another version of iolite names what this one does not know.
      return this.distrust();
    }
    await this.#invalidate(selector);
  }

  async distrust(): Promise<void> {
    await this.#invalidate({ prefix: '' });
  }

  /** Values have no validators, and nobody to ask. */
  trust(): void {}

  close(): void {
    this.#end();
  }
}
