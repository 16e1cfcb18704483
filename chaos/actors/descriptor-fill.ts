import { closeSync, openSync } from 'node:fs';
import type { ActorLine } from './actor-line.ts';

/** Opens all descriptors that this process may have, and closes them later. */
export class DescriptorFill {
  readonly #line: Pick<ActorLine, 'tally'>;
  readonly #open: number[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(line: Pick<ActorLine, 'tally'>) {
    this.#line = line;
  }

  /** @param lasts milliseconds until they are closed */
  fill(lasts: number): void {
    try {
      for (;;) this.#open.push(openSync('/dev/null', 'r'));
    } catch {
      this.#line.tally.add('exhausted');
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.clear(), lasts);
  }

  /** Closes them now. */
  clear(): void {
    clearTimeout(this.#timer);
    for (const fd of this.#open.splice(0)) closeSync(fd);
  }
}
