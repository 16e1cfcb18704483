import { randomInt } from 'node:crypto';
import type { Aggregate } from '../../aggregate/aggregate.ts';
import { createPool, type Pool } from '../../aggregate/pool.ts';
import type { Slice } from '../../aggregate/slice.ts';
import { invariant } from '../../base/invariant.ts';
import type { AccessList } from '../../memory/acl.ts';
import type { Audience } from '../../memory/audience.ts';
import { ChunkNumbers } from './chunk-numbers.ts';
import { DirectoryMemory } from './directory-memory.ts';
import type { DirectoryWords } from './directory-words.ts';
import {
  CONTINUED_AT,
  FACTS,
  Head,
  NONE,
  PLACE_WORDS,
  RECORD_WORDS,
  RecordPart,
  wordsOfText,
} from './layout.ts';

/** Something that lies in slices: an aggregate, or a version of which no aggregate is made. */
interface Sliced {
  slices(): readonly Slice[];
}

/** What a directory says of one key. */
export interface DirectoryEntry {
  readonly key: string;
  /** Of the version. */
  readonly serial: number;
  /** What the store's user knows of it: a small number, {@link FACTS} numbers, and a text. */
  readonly kind: number;
  readonly facts: readonly number[];
  readonly note: string;
  readonly content: Sliced | undefined;
}

const FIRST_RECORDS = 1024;
/** As many as a store can have: beyond that keys are not in it, and are asked for. */
const MAX_RECORDS = 2 ** 22;
const FIRST_PAYLOAD_WORDS = 1024;
const { store, load } = Atomics;

/**
 * A directory, in the domain that owns the store: it says in shared memory what is under which key, and where
 * that lies. Other domains find there what there is, without asking, from the moment on that it is so.
 *
 * To write an entry takes about a microsecond. A record is 128 bytes, longer keys take more of them.
 */
export class Directory {
  readonly #pool: Pool;
  #memory: DirectoryMemory;
  #words: DirectoryWords;
  readonly #chunks: ChunkNumbers;
  /** Records that were used and are free, and the first that never was. */
  readonly #free: number[] = [];
  #unused = 1;
  #entries = 0;
  #bytes = 0;
  #until = 0;
  readonly #budget: number;
  /** How many changes are under way. */
  #depth = 0;
  /** What a record is to be filled with. */
  #payload = new Int32Array(FIRST_PAYLOAD_WORDS);
  #closed = false;

  readonly #replaced: () => void;
  readonly #audience: Audience | undefined;

  /**
   * @param budget of the store, in bytes
   * @param replaced called when another memory has taken the place of the one that was shared
   * @param given `audience`: whom it is shared with, who see all contents; `acl`: the domains that it may be
   *   passed to, as of a pool
   */
  constructor(
    budget: number,
    replaced: () => void,
    given: { readonly audience?: Audience; readonly acl?: AccessList } = {},
  ) {
    const { audience, acl } = given;
    this.#audience = audience;
    this.#budget = budget;
    this.#replaced = replaced;
    this.#pool = createPool({ name: 'directory', ...(acl === undefined ? {} : { acl }) });
    this.#memory = new DirectoryMemory(this.#pool.chunks, FIRST_RECORDS, randomInt(2 ** 31), audience);
    this.#words = this.#memory.words;
    this.#chunks = new ChunkNumbers({ note: (number, generation) => this.#noteChunk(number, generation) });
    this.#tell();
  }

  /**
   * All of it, for another domain to read; the caller's. Undefined where there is no memory for that just
   * now: it is told when there is.
   */
  share(): Aggregate | undefined {
    return this.#memory.share();
  }

  /** Until when it may be used by who does not hear of this domain, by the machine's clock. */
  set until(time: number) {
    this.#until = time;
    if (!this.#closed && !this.#memory.isShared) this.#moveTo(this.#words.records);
    this.#tell();
  }

  /** Until {@link endChange} nobody concludes from not finding something that there is nothing. May nest. */
  beginChange(): void {
    this.#depth += 1;
    if (this.#depth === 1) this.#countChange();
  }

  endChange(): void {
    this.#depth -= 1;
    invariant(this.#depth >= 0, 'a change that ends has begun');
    if (this.#depth === 0) this.#countChange();
  }

  /** Numbers of the chunks that a content lies in, in order; 0 for one that has none. */
  chunksOf(content: Sliced | undefined): number[] {
    return content === undefined ? [] : content.slices().map(({ lease }) => this.#chunks.of(lease));
  }

  /** Says what is under a key, in place of what was. */
  put(entry: DirectoryEntry): void {
    if (this.#closed) return;
    this.beginChange();
    try {
      const known = this.#find(entry.key);
      if (known > NONE) this.#refill(known, entry);
      else this.#add(entry);
    } finally {
      this.endChange();
    }
  }

  /** There is nothing under a key any more. */
  delete(key: string): void {
    if (this.#closed) return;
    const record = this.#find(key);
    if (record <= NONE) return;
    this.beginChange();
    this.#unlink(record, this.#words.hash);
    this.#begin(record);
    this.#empty(record);
    this.#end(record);
    this.#free.push(record);
    this.#entries -= 1;
    store(this.#words.words, Head.ENTRIES, this.#entries);
    this.#words.setDouble(Head.BYTES, this.#bytes);
    this.endChange();
  }

  /** Nothing changes in it any more. Who was passed it keeps it, and may use it until it ends. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#memory.close();
    this.#pool.close();
  }

  #find(key: string): number {
    return this.#words.find(key, Number.POSITIVE_INFINITY);
  }

  #add(entry: DirectoryEntry): void {
    const needed = 1 + this.#continuations(entry);
    if (!this.#hasRecords(needed)) {
      // What is not here is asked for, from now on always.
      this.beginChange();
      return;
    }
    const record = this.#take();
    // Looked for again: it may be another memory.
    const { words } = this.#words;
    this.#find(entry.key);
    const { hash } = this.#words;
    this.#begin(record);
    store(words, this.#words.at(record) + RecordPart.HASH, hash);
    this.#fill(record, entry);
    const bucket = this.#words.bucketAt(hash);
    store(words, this.#words.at(record) + RecordPart.NEXT, load(words, bucket));
    this.#end(record);
    store(words, bucket, record);
    this.#entries += 1;
    store(words, Head.ENTRIES, this.#entries);
  }

  #refill(record: number, entry: DirectoryEntry): void {
    if (!this.#hasRecords(this.#continuations(entry))) {
      this.delete(entry.key);
      // As where it is new, and there is no room.
      this.beginChange();
      return;
    }
    this.#begin(record);
    this.#empty(record);
    this.#fill(record, entry);
    this.#end(record);
  }

  #begin(record: number): void {
    Atomics.add(this.#words.words, this.#words.at(record) + RecordPart.COUNT, 1);
  }

  #end(record: number): void {
    Atomics.add(this.#words.words, this.#words.at(record) + RecordPart.COUNT, 1);
  }

  /** Lets go of what a record says: its places, its bytes, and the records that it is continued in. */
  #empty(record: number): void {
    const { words } = this.#words;
    const at = this.#words.at(record);
    const payload = this.#read(at);
    const from = wordsOfText(load(words, at + RecordPart.KEY_LENGTH));
    const places = load(words, at + RecordPart.PLACES);
    for (let place = 0; place < places; place++) {
      const start = from + place * PLACE_WORDS;
      this.#chunks.leave(payload[start] as number);
      this.#bytes -= (payload[start + 3] as number) >>> 0;
    }
    for (let next = load(words, at + RecordPart.CONTINUED); next !== NONE; ) {
      this.#free.push(next);
      next = load(words, this.#words.at(next) + RecordPart.CONTINUED);
    }
    store(words, at + RecordPart.CONTINUED, NONE);
  }

  /** Fills a record, but for its hash and its place in a bucket. */
  #fill(record: number, { key, serial, kind, facts, note, content }: DirectoryEntry): void {
    const { words } = this.#words;
    const at = this.#words.at(record);
    const slices = content?.slices() ?? [];
    store(words, at + RecordPart.KEY_LENGTH, key.length);
    store(words, at + RecordPart.PLACES, slices.length);
    store(words, at + RecordPart.NOTE_LENGTH, note.length);
    store(words, at + RecordPart.KIND, kind);
    for (let fact = 0; fact < FACTS; fact++)
      this.#words.setDouble(at + RecordPart.FACTS + 2 * fact, facts[fact] as number);
    this.#words.setDouble(at + RecordPart.SERIAL, serial);
    let to = putText(this.#payloadFor(this.#payloadWords(key, slices.length, note)), 0, key);
    for (const { lease, start, length } of slices) {
      const place = [this.#chunks.enter(lease), lease.generation | 0, start, length];
      this.#payload.set(place, to);
      to += PLACE_WORDS;
      this.#bytes += length;
    }
    this.#write(at, putText(this.#payload, to, note));
    this.#words.setDouble(Head.BYTES, this.#bytes);
  }

  /** Writes the first words of the payload, into as many records as that takes. */
  #write(record: number, count: number): void {
    const { words } = this.#words;
    let at = record;
    let place: number = RecordPart.PAYLOAD;
    for (let word = 0; word < count; word++, place++) {
      if (place === RECORD_WORDS) {
        const next = this.#take();
        store(words, at + RecordPart.CONTINUED, next);
        at = this.#words.at(next);
        place = CONTINUED_AT;
      }
      store(words, at + place, this.#payload[word] as number);
    }
    store(words, at + RecordPart.CONTINUED, NONE);
  }

  #read(record: number): Int32Array {
    const { words } = this.#words;
    const text = wordsOfText(load(words, record + RecordPart.KEY_LENGTH));
    const count = text + load(words, record + RecordPart.PLACES) * PLACE_WORDS;
    const payload = this.#payloadFor(count);
    let at = record;
    let place: number = RecordPart.PAYLOAD;
    for (let word = 0; word < count; word++, place++) {
      if (place === RECORD_WORDS) {
        at = this.#words.at(load(words, at + RecordPart.CONTINUED));
        place = CONTINUED_AT;
      }
      payload[word] = load(words, at + place);
    }
    return payload;
  }

  #unlink(record: number, hash: number): void {
    const { words } = this.#words;
    const next = load(words, this.#words.at(record) + RecordPart.NEXT);
    let at = this.#words.bucketAt(hash);
    while (load(words, at) !== record) at = this.#words.at(load(words, at)) + RecordPart.NEXT;
    store(words, at, next);
  }

  #payloadWords(key: string, places: number, note: string): number {
    return wordsOfText(key.length) + places * PLACE_WORDS + wordsOfText(note.length);
  }

  #continuations({ key, content, note }: DirectoryEntry): number {
    const count = this.#payloadWords(key, content?.slices().length ?? 0, note);
    const beyond = count - (RECORD_WORDS - RecordPart.PAYLOAD);
    return beyond <= 0 ? 0 : Math.ceil(beyond / (RECORD_WORDS - CONTINUED_AT));
  }

  #payloadFor(count: number): Int32Array {
    if (count > this.#payload.length) this.#payload = new Int32Array(2 * count);
    return this.#payload;
  }

  /** Whether there are so many free records, if need be in a larger memory. */
  #hasRecords(count: number): boolean {
    while (this.#free.length + this.#words.records - this.#unused < count) if (!this.#grow()) return false;
    return true;
  }

  #take(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    this.#unused += 1;
    invariant(this.#unused <= this.#words.records, 'who takes a record has seen to it that there is one');
    return this.#unused - 1;
  }

  #grow(): boolean {
    const records = 2 * this.#words.records;
    if (records > MAX_RECORDS) return false;
    this.#moveTo(records);
    return true;
  }

  /** Moves to another memory, of so many records. Who reads the one before is told there. */
  #moveTo(records: number): void {
    const before = this.#words;
    const seed = load(before.words, Head.SEED);
    const memory = new DirectoryMemory(this.#pool.chunks, records, seed, this.#audience);
    // As it was: nothing that others could read has come of it.
    if (!memory.isShared && records === before.records) return;
    const { words } = memory;
    const all = before.words.subarray(before.at(NONE), before.at(NONE) + before.records * RECORD_WORDS);
    words.words.set(all, words.at(NONE));
    for (let bucket = 0; bucket < before.buckets; bucket++) {
      for (let record = load(before.words, before.bucketAt(bucket)); record !== NONE; ) {
        const at = words.at(record);
        const next = load(words.words, at + RecordPart.NEXT);
        const to = words.bucketAt(load(words.words, at + RecordPart.HASH));
        store(words.words, at + RecordPart.NEXT, load(words.words, to));
        store(words.words, to, record);
        record = next;
      }
    }
    store(words.words, Head.CHANGES, this.#depth > 0 ? 1 : 0);
    store(words.words, Head.ENTRIES, this.#entries);
    words.setDouble(Head.BYTES, this.#bytes);
    const left = this.#memory;
    this.#memory = memory;
    this.#words = words;
    for (const [number, generation] of this.#chunks.inUse()) this.#noteChunk(number, generation);
    this.#tell();
    store(before.words, Head.COUNT, -1);
    left.close();
    this.#replaced();
  }

  #countChange(): void {
    Atomics.add(this.#words.words, Head.CHANGES, 1);
  }

  #noteChunk(number: number, generation: number): void {
    const at = this.#words.chunkAt(number);
    // Not for a moment the one's number and the other's generation.
    store(this.#words.words, at, 0);
    store(this.#words.words, at + 1, generation | 0);
    store(this.#words.words, at, generation === 0 ? 0 : number);
  }

  /** Writes the numbers of the header. */
  #tell(): void {
    if (this.#closed) return;
    const { words } = this.#words;
    Atomics.add(words, Head.COUNT, 1);
    this.#words.setDouble(Head.UNTIL, this.#until);
    this.#words.setDouble(Head.BUDGET, this.#budget);
    // It is below 0 for no other reason than that another has taken its place.
    const count = load(words, Head.COUNT) + 1;
    store(words, Head.COUNT, count > 0 ? count : 0);
  }
}

/** @returns the word behind */
function putText(words: Int32Array, from: number, text: string): number {
  const { length } = text;
  const end = from + wordsOfText(length);
  for (let word = from, at = 0; word < end; word++, at += 2)
    words[word] = text.charCodeAt(at) | (at + 1 < length ? text.charCodeAt(at + 1) << 16 : 0);
  return end;
}
