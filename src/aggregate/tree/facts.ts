import { hash } from 'node:crypto';
import { type Chunk, SHARED_FACT_BYTES } from '../../memory/chunk.ts';
import { FACT_KEY_BYTES, MAX_FACT_BYTES } from '../../memory/facts/fact-log.ts';
import type { Slice } from '../slice.ts';

/** Facts kept here for one generation of a chunk, at most. */
const KEPT_FACTS = 64;
/** Facts of longer lists of slices are not kept: to name them would cost as much as it saves. */
const NAMED_SLICES = 64;

interface KnownFacts {
  readonly generation: number;
  readonly facts: Map<string, Buffer>;
}

/**
 * What this domain knows, by the chunk itself and not by its id, which another domain may have given to two.
 * Buffers are immutable, so that a fact holds as long as the chunk's generation.
 */
const known = new WeakMap<Chunk, KnownFacts>();
const numbers = new WeakMap<Chunk, number>();
let lastNumber = 0;

/**
 * What is derived of bytes alone, by their identity: computed once. Who owns the chunks writes it down in
 * them, where all domains find it that hold them; of chunks of others it is kept here.
 * @param name of what is derived, and how
 * @param compute at most {@link MAX_FACT_BYTES}, or it is kept here alone
 */
export function factOf(slices: readonly Slice[], name: string, compute: () => Buffer): Buffer {
  const [first] = slices;
  const isNamed = slices.length <= NAMED_SLICES && !slices.some(({ lease }) => lease.chunk.isWritable);
  if (first === undefined || !isNamed) return compute();
  const kept = factsOf(first);
  const localName = `${name} ${slices.map(nameHere).join(' ')}`;
  const mine = kept.get(localName);
  if (mine !== undefined) return mine;
  const fact = shared(slices, name, compute);
  if (kept.size >= KEPT_FACTS) kept.delete(kept.keys().next().value as string);
  kept.set(localName, fact);
  return fact;
}

function factsOf({ lease }: Slice): Map<string, Buffer> {
  const { chunk, generation } = lease;
  let facts = known.get(chunk);
  if (facts === undefined || facts.generation !== generation) {
    facts = { generation, facts: new Map() };
    known.set(chunk, facts);
  }
  return facts.facts;
}

/** A fact that the owners of the chunks have written down, all of them; or computed, and written down. */
function shared(slices: readonly Slice[], name: string, compute: () => Buffer): Buffer {
  let length = 0;
  for (const slice of slices) length += slice.length;
  if (length < SHARED_FACT_BYTES) return compute();
  const fullName = `${name} ${slices.map(nameAnywhere).join(' ')}`;
  const key = hash('sha256', fullName, 'buffer').subarray(0, FACT_KEY_BYTES);
  const generations = new Map<Chunk, number>();
  for (const { lease } of slices) generations.set(lease.chunk, lease.generation);
  const written = writtenIn(generations, key);
  if (written !== undefined) return masked(written, fullName);
  const fact = compute();
  const areOurs = [...generations.keys()].every(chunk => chunk.keepFact !== undefined);
  if (areOurs && fact.length <= MAX_FACT_BYTES) {
    const hidden = masked(fact, fullName);
    for (const [chunk, generation] of generations) chunk.keepFact?.(generation, key, hidden);
  }
  return fact;
}

/**
 * Who was given one of the chunks, and not the others, is to learn nothing of what these hold: the mask takes
 * the ids of all, which are as good as secrets. Masked again it is what it was.
 */
function masked(fact: Buffer, fullName: string): Buffer {
  const mask = hash('sha512', fullName, 'buffer');
  return fact.map((byte, at) => byte ^ (mask[at] as number)) as Buffer;
}

/** Each owner answers for his bytes alone: so all of them have to say the same. */
function writtenIn(generations: ReadonlyMap<Chunk, number>, key: Buffer): Buffer | undefined {
  let fact: Buffer | undefined;
  for (const [chunk, generation] of generations) {
    const written = chunk.factOf?.(generation, key);
    if (written === undefined || fact?.equals(written) === false) return undefined;
    fact = written;
  }
  return fact;
}

function nameHere({ lease, start, end }: Slice): string {
  const { chunk, generation } = lease;
  let number = numbers.get(chunk);
  if (number === undefined) {
    lastNumber += 1;
    number = lastNumber;
    numbers.set(chunk, number);
  }
  return `${number}.${generation}.${start}.${end}`;
}

/** As its id does. */
function nameAnywhere({ lease, start, end }: Slice): string {
  return `${lease.chunk.id}.${lease.generation}.${start}.${end}`;
}
