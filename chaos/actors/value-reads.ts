import { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import { now } from '../../src/base/clock.ts';
import { type SharedCache, sharedCache } from '../../src/cache/shared-cache.ts';
import type { CachedValue } from '../../src/cache/value.ts';
import { Floors } from '../floors.ts';
import { LastChanges } from '../last-changes.ts';
import { LEAST_RECORD_BYTES, makeRecord } from '../payload.ts';
import { changesOf, floorsOf, KEYS, keyPlace, nextPlace } from '../stage.ts';
import { isExpected } from './expected.ts';
import { type ReaderHost, stampOf } from './file-reads.ts';

/** Which of the readers it is. */
export interface ReaderPlace {
  readonly number: number;
  readonly count: number;
  readonly life: number;
}

const BUDGET_BYTES = 8 * 1024 ** 2;
const LONGEST_BYTES = 300_000;
const ASK_MS = 10_000;
/** What is told of this process's part in the cache, with a finding. */
const TOLD_ROLES = 6;
/** Versions of one life. */
const VERSIONS = 2 ** 18;

/** What is known of a key when it is asked for. */
interface Look {
  /** The oldest version that may be found. */
  readonly floor: number;
  /** What somebody who looks for the cause of a finding wants to know. */
  readonly circumstances: string;
}

/**
 * Sets, makes, forgets and reads values of a shared cache. Each key is one process's to change; when a change
 * is over, it raises the key's floor, and nobody may find anything older from then on.
 */
export class ValueReads {
  readonly #host: ReaderHost;
  readonly #cache: SharedCache;
  readonly #floors: Floors;
  readonly #changes: LastChanges;
  /** When this process has had which part in the cache. */
  readonly #roles: string[] = [];
  readonly #pool = createPool({ name: 'values' });
  readonly #own: readonly number[];
  readonly #changing = new Set<number>();
  #version: number;

  constructor(host: ReaderHost, { number, count, life }: ReaderPlace) {
    this.#host = host;
    this.#cache = sharedCache(`chaos-${host.plan.run}`, { budget: BUDGET_BYTES, govern: false });
    this.#cache.on('detached', () => host.line.tally.add('connections'));
    for (const role of ['owner', 'attached', 'detached'] as const)
      this.#cache.on(role, () => {
        this.#roles.push(`${role} ${timeNow()}`);
        if (this.#roles.length > TOLD_ROLES) this.#roles.shift();
      });
    this.#floors = new Floors(floorsOf(host.plan));
    this.#changes = new LastChanges(changesOf(host.plan));
    this.#own = Array.from({ length: KEYS }, (_, key) => key).filter(key => key % count === number);
    this.#version = 1 + life * VERSIONS;
  }

  async act(): Promise<void> {
    const { draw, line } = this.#host;
    const way = draw.weighted({ get: 8, set: 2, make: 2, delete: 0.3, invalidate: 0.3 });
    try {
      await this.#do(way, AbortSignal.timeout(ASK_MS));
      line.tally.add(`requests:shared cache ${way}`);
    } catch (error) {
      if (isExpected(error) || (error as Error).name === 'TimeoutError') line.tally.add('lost');
      else line.trouble(error);
    }
  }

  /** Whether what is set is found, now that nothing dies. */
  async probe(signal: AbortSignal): Promise<void> {
    await this.#cache.ready({ signal });
    const [key] = this.#own;
    if (key !== undefined) await this.#change(key, 'set');
    await this.#get(key ?? 0, signal);
  }

  async close(): Promise<void> {
    await this.#cache.close();
    this.#pool.close();
    this.#floors[Symbol.dispose]();
    this.#changes[Symbol.dispose]();
  }

  async #do(way: 'get' | 'set' | 'make' | 'delete' | 'invalidate', signal: AbortSignal): Promise<void> {
    const { draw } = this.#host;
    if (way === 'get' || way === 'make' || this.#own.length === 0) {
      const key = draw.integer(0, KEYS - 1);
      await (way === 'make' ? this.#make(key, signal) : this.#get(key, signal));
      return;
    }
    await this.#change(draw.pick(this.#own), way);
  }

  /** One change of a key after the other: which of two at the same time comes last, nobody knows. */
  async #change(key: number, way: 'set' | 'delete' | 'invalidate'): Promise<void> {
    if (this.#changing.has(key)) return;
    this.#changing.add(key);
    const version = this.#version++;
    const begun = `${way} of ${version} by ${process.pid}, ${this.#cache.role}, from ${timeNow()}`;
    this.#floors.raise(nextPlace(key), version);
    try {
      if (way === 'set') {
        using body = this.#record(key, version);
        await this.#cache.set(`${key}`, body, { tags: [`tag ${key}`] });
      } else if (way === 'delete') await this.#cache.delete(`${key}`);
      else await this.#cache.invalidate({ tags: [`tag ${key}`] });
      this.#changes.note(key, `${begun} to ${timeNow()}; ${this.#roles.join(', ')}`);
      this.#floors.raise(keyPlace(key), version);
    } finally {
      this.#changing.delete(key);
    }
  }

  async #get(key: number, signal: AbortSignal): Promise<void> {
    const look = this.#look(key, 'got');
    this.#check(key, look, await this.#cache.get(`${key}`, { signal }));
  }

  /** What is made is of the version that is to come when the making begins. */
  async #make(key: number, signal: AbortSignal): Promise<void> {
    const look = this.#look(key, 'made');
    const make = (): Aggregate => this.#record(key, this.#floors.of(nextPlace(key)));
    this.#check(key, look, await this.#cache.getOrSet(`${key}`, make, { signal, tags: [`tag ${key}`] }));
  }

  #look(key: number, way: string): Look {
    const floor = this.#floors.of(keyPlace(key));
    const place = this.#cache.isAtHand(`${key}`) ? 'at hand' : 'elsewhere';
    return {
      floor,
      circumstances: `${way} ${place} by ${process.pid}, ${this.#cache.role}, at ${timeNow()}`,
    };
  }

  #record(key: number, version: number): Aggregate {
    const length = this.#host.draw.size(LEAST_RECORD_BYTES, LONGEST_BYTES);
    return makeRecord(this.#pool, length, { source: keyPlace(key), version, sequence: key }).body;
  }

  #check(key: number, { floor, circumstances }: Look, value: CachedValue | undefined): void {
    if (value === undefined) return;
    const { line, holder } = this.#host;
    if (!Aggregate.isAggregate(value)) return line.wrong(`key ${key}: ${typeof value} in place of bytes`);
    const stamp = stampOf(value);
    if (stamp === undefined || stamp.source !== keyPlace(key) || stamp.version < floor) {
      line.wrong(
        `key ${key}: version ${stamp?.version} of ${stamp?.source} was found, ${floor} is the oldest. ` +
          `It was ${circumstances}, checked at ${timeNow()}; ${this.#roles.join(', ')}. ` +
          `Last change: ${this.#changes.of(key)}`,
      );
      value.release();
      return;
    }
    holder.take(value, [stamp]);
  }
}

/** Milliseconds, the same for all processes, as text. */
function timeNow(): string {
  return now().toFixed(1);
}
