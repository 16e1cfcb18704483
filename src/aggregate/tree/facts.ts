import { builtins } from '../../base/builtins.ts';
import { ASKED_FACT_BYTES, type Chunk, type ContentRange, SHARED_FACT_BYTES } from '../../memory/chunk.ts';
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

/**
 * A fact that the owners of the chunks have written down; or else it is computed, and written down, or its
 * owner asked to do the same for others.
 */
function shared(slices: readonly Slice[], name: string, compute: () => Buffer): Buffer {
  let length = 0;
  for (const slice of slices) length += slice.length;
  if (length < SHARED_FACT_BYTES) return compute();
  const ranges = slices.map(({ lease: { chunk, generation }, start, end }) => ({
    chunk,
    generation,
    start,
    end,
  }));
  const written = writtenFor(name, ranges);
  if (written !== undefined) return written;
  const fact = compute();
  writeDown(name, ranges, fact);
  if (length >= ASKED_FACT_BYTES) slices[0]?.lease.chunk.askFor?.(name, ranges);
  return fact;
}

/** Whether all owners of the chunks have written down a fact. */
export function isWritten(name: string, ranges: readonly ContentRange[]): boolean {
  return writtenFor(name, ranges) !== undefined;
}

/** Writes down a fact for all who hold the bytes, if all chunks are ours, and at these generations. */
export function writeDown(name: string, ranges: readonly ContentRange[], fact: Buffer): void {
  const generations = generationsOf(ranges);
  const areOurs = [...generations.keys()].every(chunk => chunk.keepFact !== undefined);
  if (!areOurs || fact.length > MAX_FACT_BYTES) return;
  const fullName = nameOf(name, ranges);
  const key = keyOf(fullName);
  const hidden = masked(fact, fullName);
  for (const [chunk, generation] of generations) chunk.keepFact?.(generation, key, hidden);
}

/** Each owner answers for his bytes alone: so all of them have to say the same. */
function writtenFor(name: string, ranges: readonly ContentRange[]): Buffer | undefined {
  const fullName = nameOf(name, ranges);
  const key = keyOf(fullName);
  let fact: Buffer | undefined;
  for (const [chunk, generation] of generationsOf(ranges)) {
    const written = chunk.factOf?.(generation, key);
    if (written === undefined || fact?.equals(written) === false) return undefined;
    fact = written;
  }
  return fact && masked(fact, fullName);
}

function generationsOf(ranges: readonly ContentRange[]): Map<Chunk, number> {
  return new Map(ranges.map(({ chunk, generation }) => [chunk, generation]));
}

/** As the ids of the slices do, anywhere. */
function nameOf(name: string, ranges: readonly ContentRange[]): string {
  const ids = ranges.map(({ chunk, generation, start, end }) => `${chunk.id}.${generation}.${start}.${end}`);
  return `${name} ${ids.join(' ')}`;
}

function keyOf(fullName: string): Buffer {
  return builtins.crypto.hash('sha256', fullName, 'buffer').subarray(0, FACT_KEY_BYTES);
}

/**
 * Who was given one of the chunks, and not the others, is to learn nothing of what these hold: the mask takes
 * the ids of all, which are as good as secrets. Masked again it is what it was.
 */
function masked(fact: Buffer, fullName: string): Buffer {
  const mask = builtins.crypto.hash('sha512', fullName, 'buffer');
  return fact.map((byte, at) => byte ^ (mask[at] as number)) as Buffer;
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
