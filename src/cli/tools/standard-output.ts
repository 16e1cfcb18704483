import { fstatSync, type Stats } from 'node:fs';
import type { Aggregate } from '../../aggregate/aggregate.ts';
import { type Output, PlainOutput, type Room, STDOUT_FD } from './plain-output.ts';
import { OutputError } from './tool.ts';
import { toolThreshold } from './tool-threshold.ts';

/** The standard output, whatever is behind it. @throws OutputError, as does everything one does with it */
export async function standardOutput(): Promise<Output> {
  const plain = new PlainOutput(outputStats());
  const after = plain.stats.isFIFO() ? toolThreshold() : Number.POSITIVE_INFINITY;
  if (after === Number.POSITIVE_INFINITY) return plain;
  return after > 0 ? new LateOutput(plain, after) : pipedOutput(plain.stats);
}

/** Loads what an upgrade needs. */
async function pipedOutput(stats: Stats): Promise<Output> {
  const { PipedOutput } = await import('./piped-output.ts');
  return new PipedOutput(stats, STDOUT_FD);
}

function outputStats(): Stats {
  try {
    return fstatSync(STDOUT_FD);
  } catch (error) {
    throw new OutputError(error as NodeJS.ErrnoException);
  }
}

/** Output into a pipe, by plain writes until an upgrade is worth while: only then is loaded what it needs. */
class LateOutput implements Output {
  readonly #plain: PlainOutput;
  readonly #after: number;
  #current: Output;

  constructor(plain: PlainOutput, after: number) {
    this.#plain = plain;
    this.#after = after;
    this.#current = plain;
  }

  get stats(): Stats {
    return this.#plain.stats;
  }

  get blockBytes(): number {
    return this.#current.blockBytes;
  }

  allocate(size: number): Room {
    return this.#current.allocate(size);
  }

  put(bytes: Buffer): void {
    this.#current.put(bytes);
  }

  pass(aggregate: Aggregate): void {
    this.#current.pass(aggregate);
  }

  async flush(): Promise<void> {
    await this.#current.flush();
    if (this.#current !== this.#plain || this.#plain.size < this.#after) return;
    this.#current = await pipedOutput(this.stats);
  }

  async end(): Promise<void> {
    await this.#current.end();
  }
}
