import type { Aggregate } from '../../src/aggregate/aggregate.ts';
import type { Json } from '../../src/base/json.ts';
import type { Channel } from '../../src/ipc/channel.ts';
import type { ForkOptions } from '../../src/ipc/meet/fork.ts';
import type { Family } from './family.ts';
import { watchdog } from './watchdog.ts';

const PROGRAM = new URL('../ipc/children/onlooker.ts', import.meta.url);

/** What is put into memory so that it can be found again: see {@link Onlooker.sees}. */
export function secret(name: string, length = 0): Buffer {
  return Buffer.from(`<<${name}>>`.padEnd(length, '.'), 'latin1');
}

/** A child that tells what it can read in all memory that it was ever given. */
export class Onlooker {
  static readonly program = PROGRAM;
  readonly channel: Channel;

  private constructor(channel: Channel) {
    this.channel = channel;
  }

  /** @param module the program, where it is not to be loaded from here */
  static async start(family: Family, module = PROGRAM, options: ForkOptions = {}): Promise<Onlooker> {
    return new Onlooker((await family.fork(module, [], options)).channel);
  }

  async give(body: Aggregate): Promise<void> {
    await this.#ask({ ask: 'keep' }, body);
  }

  /** Names of the secrets that it can read, its own included, in order. */
  async sees(): Promise<string[]> {
    return (await this.#ask({ ask: 'see' })) as string[];
  }

  /** Of the chunks that it was given. */
  async inodes(): Promise<number[]> {
    return (await this.#ask({ ask: 'inodes' })) as number[];
  }

  /** What a file begins with, by way of a cache that is served to it; or the code of the error. */
  async read(path: string): Promise<string> {
    return (await this.#ask({ ask: 'read', path })) as string;
  }

  async release(): Promise<void> {
    await this.#ask({ ask: 'release' });
  }

  async #ask(head: Json, body?: Aggregate): Promise<Json | undefined> {
    const request = this.channel.request({ head, ...(body === undefined ? {} : { body }) });
    return (await watchdog(request, 'an onlooker to answer')).head;
  }
}
