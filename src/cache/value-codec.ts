import { Aggregate } from '../aggregate/aggregate.ts';
import { createPool } from '../aggregate/pool.ts';
import { HeapChunk } from '../memory/heap-chunk.ts';
import type { StoredVersion } from '../store/stored-version.ts';
import { VersionContent } from '../store/version-content.ts';
import type { MadeValue } from './keeper.ts';
import { type Cacheable, type CachedValue, decodeValue, type EncodedValue, encodeValue } from './value.ts';
import type { ValueFacts } from './value-facts.ts';

/** Values of JSON and text of so many bytes at most are kept as they were decoded. */
const MAX_DECODED_BYTES = 16 * 1024;

/** After which the memory goes that values were put in, which are in the cache by now. */
const IDLE_MS = 250;

/** Values of one process, as bytes in memory that can be shared, and back. */
export class ValueCodec {
  readonly #pool = createPool({ name: 'values' });
  #trimming: NodeJS.Timeout | undefined;
  #isBusy = false;
  readonly #decoded = new WeakMap<StoredVersion<ValueFacts>, { readonly value: CachedValue }>();

  /** In memory that can be shared. @throws as encodeValue */
  encode(value: Cacheable): EncodedValue {
    const encoded = encodeValue(value, this.#pool);
    this.#isBusy = true;
    this.#trimming ??= setTimeout(() => this.#trim(), IDLE_MS).unref();
    const { content } = encoded;
    if (content.slices().some(({ lease }) => lease.chunk instanceof HeapChunk)) content.compact(this.#pool);
    return encoded;
  }

  /** The value of what is held; an aggregate is a reference of its own. */
  valueOf(held: StoredVersion<ValueFacts>): CachedValue {
    const { facts } = held;
    if (facts.kind === 'bytes') return held.hasBytes ? new VersionContent(held) : Aggregate.empty();
    const known = this.#decoded.get(held);
    if (known !== undefined) return known.value;
    const { content } = held;
    const value = decodeValue(facts.kind, content);
    if ((content?.length ?? 0) <= MAX_DECODED_BYTES) this.#decoded.set(held, { value });
    return value;
  }

  /** The value of what was made, whose content it takes over. */
  decode({ kind, content }: MadeValue): CachedValue {
    if (kind === 'bytes') return content;
    try {
      return decodeValue(kind, content);
    } finally {
      content.release();
    }
  }

  close(): void {
    clearTimeout(this.#trimming);
    this.#pool.close();
  }

  #trim(): void {
    // To make memory anew costs who sets values all the time more than to keep it.
    this.#trimming = this.#isBusy ? setTimeout(() => this.#trim(), IDLE_MS).unref() : undefined;
    if (!this.#isBusy) this.#pool.trim(0);
    this.#isBusy = false;
  }
}
