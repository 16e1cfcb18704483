import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { Facts } from './response-facts.ts';
import type { ResponseStore, Stored } from './response-store.ts';

/** What an entry costs besides its content, roughly. */
const ENTRY_BYTES = 1024;
/** No content may take more than this part of the budget. */
const LARGEST_PART = 1 / 8;

/**
 * A store of this process: the least recently used leave when the budget is spent. It shares the buffers that contents were
 * received into.
 */
export class MemoryStore implements ResponseStore {
  readonly largest: number;
  readonly #budget: number;
  /** The least recently used first. */
  readonly #entries = new Map<string, { facts: Facts; content: Aggregate }>();
  #bytes = 0;

  /** @param budget in bytes */
  constructor(budget: number) {
    this.#budget = budget;
    this.largest = Math.floor(budget * LARGEST_PART);
  }

  look(key: string): Facts | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.facts;
  }

  get(key: string): Stored | undefined {
    const facts = this.look(key);
    if (facts === undefined) return undefined;
    return { facts, content: (this.#entries.get(key) as Stored).content.duplicate() };
  }

  put(key: string, facts: Facts, content: Aggregate): void {
    this.remove(key);
    if (content.length > this.largest) return;
    this.#entries.set(key, { facts, content: content.duplicate() });
    this.#bytes += content.length + ENTRY_BYTES;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#budget) break;
      this.remove(oldest);
    }
  }

  renew(key: string, from: Facts, to: Facts): void {
    const entry = this.#entries.get(key);
    if (entry?.facts === from) entry.facts = to;
  }

  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.content.length + ENTRY_BYTES;
    entry.content.release();
  }

  /** Releases everything. */
  close(): void {
    for (const key of [...this.#entries.keys()]) this.remove(key);
  }
}
