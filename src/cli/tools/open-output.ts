import { fstatSync, type Stats } from 'node:fs';
import type { Aggregate } from '../../aggregate/aggregate.ts';
import { upgradeAfter } from './pipes.ts';
import { type Output, PlainOutput, type Room, STDOUT_FD } from './plain-output.ts';
import { OutputError } from './tool.ts';

/** The standard output, whatever is behind it. @throws OutputError, as does everything one does with it */
export async function openOutput(): Promise<Output> {
  const plain = new PlainOutput(outputStats());
  const after = upgradeAfter();
  if (!plain.stats.isFIFO() || after === Number.POSITIVE_INFINITY) return plain;
  return after > 0 ? new LateOutput(plain, after) : offerUpgrade(plain);
}

/** Loads what an upgrade needs and offers one; without where that cannot be done. */
async function offerUpgrade(plain: PlainOutput): Promise<Output> {
  const { PipedOutput } = await import('./piped-output.ts');
  return (await PipedOutput.open(plain, STDOUT_FD)) ?? plain;
}

function outputStats(): Stats {
  try {
    return fstatSync(STDOUT_FD);
  } catch (error) {
    throw new OutputError(error as NodeJS.ErrnoException);
  }
}

/** Output into a pipe, ordinary until it is worth while to offer an upgrade: only then is that loaded. */
class LateOutput implements Output {
  readonly #plain: PlainOutput;
  readonly #after: number;
  #current: Output;
  #offered = false;

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
    if (!this.#offered && this.#plain.size >= this.#after) {
      this.#offered = true;
      this.#current = await offerUpgrade(this.#plain);
    }
    await this.#current.flush();
  }

  async end(): Promise<void> {
    await this.#current.end();
  }
}
