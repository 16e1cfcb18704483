import type { Aggregate } from '../../aggregate/aggregate.ts';
import { IoliteError } from '../../base/error.ts';
import { wordsOver } from './directory-memory.ts';
import { DirectoryWords, UNCERTAIN } from './directory-words.ts';
import { textOfWords } from './key-words.ts';
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

/** Where a slice of a content lies. */
export interface ContentPlace {
  /** Of the chunk; 0: it has none. */
  readonly number: number;
  readonly generation: number;
  readonly start: number;
  readonly length: number;
}

/** What a directory says of a key, as of one moment. */
export interface FoundRecord {
  /** Where its record's count stands, and what that was: as long as it is the same this is right. */
  readonly at: number;
  readonly count: number;
  readonly serial: number;
  readonly kind: number;
  readonly facts: readonly number[];
  readonly places: readonly ContentPlace[];
}

/** A record with what is not asked for otherwise. */
export interface ListedRecord extends FoundRecord {
  readonly key: string;
  readonly note: string;
}

/** What is found, for all the directory can say: it is to be asked for. */
export const UNKNOWN = Symbol('unknown');

const MAX_TEXT_WORDS = 2 ** 20;
const MAX_PLACES = 2 ** 16;
const MAX_TRIES = 16;
const { load } = Atomics;

/**
 * A directory that another domain writes, as this one reads it. Takes nothing for granted: whatever is
 * written there, nothing is read that lies outside of it.
 */
export class DirectoryView {
  readonly words: Int32Array;
  readonly #memory: Aggregate;
  readonly #words: DirectoryWords;
  /** What was found last: one object for all, as nobody keeps it. */
  readonly #found = {
    at: 0,
    count: 0,
    serial: 0,
    kind: 0,
    facts: [0, 0, 0],
    places: [] as readonly ContentPlace[],
  };
  readonly #single = { number: 0, generation: 0, start: 0, length: 0 };
  readonly #alone: readonly ContentPlace[] = [this.#single];
  #count = -2;
  #until = 0;
  #budget = 0;

  /** @param memory as it was shared; taken over @throws ERR_IOLITE_PROTOCOL when it is none */
  constructor(memory: Aggregate) {
    const [slice, ...others] = memory.slices();
    try {
      if (slice === undefined || others.length > 0) throw new RangeError('a directory is one slice');
      this.words = wordsOver(slice.lease, slice.start, slice.end);
      this.#words = new DirectoryWords(this.words);
    } catch (cause) {
      memory.release();
      throw new IoliteError('ERR_IOLITE_PROTOCOL', 'Cannot use directory: it is malformed', { cause });
    }
    this.#memory = memory;
    this.#look();
  }

  /** Whether another one has taken its place. */
  get isReplaced(): boolean {
    return load(this.words, Head.COUNT) < 0;
  }

  /** Until when it may be used unasked. 0 once another has taken its place. */
  get until(): number {
    if (load(this.words, Head.COUNT) !== this.#count) this.#look();
    return this.#until;
  }

  get budget(): number {
    if (load(this.words, Head.COUNT) !== this.#count) this.#look();
    return this.#budget;
  }

  get entries(): number {
    return load(this.words, Head.ENTRIES);
  }

  /** About: it may be changing. */
  get bytes(): number {
    return this.#words.double(Head.BYTES);
  }

  /** Whether what was found is right still. */
  isSame({ at, count }: Pick<FoundRecord, 'at' | 'count'>): boolean {
    return load(this.words, at) === count;
  }

  /** Whether a chunk is in use at a generation. */
  hasChunk(number: number, generation: number): boolean {
    const at = this.#words.chunkAt(number);
    return load(this.words, at) === number && load(this.words, at + 1) === generation;
  }

  /**
   * What is under a key: undefined for nothing, {@link UNKNOWN} where that is not certain. It stands until it
   * is looked for something else.
   */
  find(key: string): FoundRecord | typeof UNKNOWN | undefined {
    const changes = load(this.words, Head.CHANGES);
    const record = this.#words.find(key);
    if (record === UNCERTAIN) return UNKNOWN;
    if (record === NONE) {
      const isCertain = (changes & 1) === 0 && load(this.words, Head.CHANGES) === changes;
      return isCertain ? undefined : UNKNOWN;
    }
    const at = this.#words.at(record);
    const count = load(this.words, at + RecordPart.COUNT);
    // Once more, behind the count: it may have become another one's.
    if (
      (count & 1) !== 0 ||
      load(this.words, at + RecordPart.HASH) !== this.#words.hash ||
      !this.#words.isOfKey(at)
    )
      return UNKNOWN;
    return this.#read(at, count) ?? UNKNOWN;
  }

  /** All that there is, each as of one moment; what changes meanwhile may be left out. */
  *list(): Generator<ListedRecord> {
    for (let record = 1; record < this.#words.records; record++) {
      const listed = this.#listed(record);
      if (listed !== undefined) yield listed;
    }
  }

  close(): void {
    if (!this.#memory.released) this.#memory.release();
  }

  #listed(record: number): ListedRecord | undefined {
    const at = this.#words.at(record);
    const count = load(this.words, at + RecordPart.COUNT);
    if (count === 0 || (count & 1) !== 0) return undefined;
    const found = this.#read(at, count);
    if (found === undefined) return undefined;
    const [keyLength, noteLength] = [
      load(this.words, at + RecordPart.KEY_LENGTH),
      load(this.words, at + RecordPart.NOTE_LENGTH),
    ];
    const [keyWords, noteWords] = [wordsOfText(keyLength), wordsOfText(noteLength)];
    const behind = keyWords + found.places.length * PLACE_WORDS;
    const payload = this.#payload(at, 0, behind + noteWords);
    if (payload === undefined || load(this.words, at + RecordPart.COUNT) !== count) return undefined;
    const key = textOfWords(payload, 0, keyLength);
    // A record that is free is continued in none, and no bucket leads to it.
    if (this.#words.find(key) !== record) return undefined;
    return { ...found, key, note: textOfWords(payload, behind, noteLength) };
  }

  /** @returns undefined when it changes meanwhile */
  #read(at: number, count: number): FoundRecord | undefined {
    const { words } = this;
    const found = this.#found;
    found.at = at + RecordPart.COUNT;
    found.count = count;
    found.kind = load(words, at + RecordPart.KIND);
    for (let fact = 0; fact < FACTS; fact++)
      found.facts[fact] = this.#words.double(at + RecordPart.FACTS + 2 * fact);
    found.serial = this.#words.double(at + RecordPart.SERIAL);
    const places = this.#places(at);
    if (places === undefined || load(words, at + RecordPart.COUNT) !== count) return undefined;
    found.places = places;
    return found;
  }

  #places(at: number): readonly ContentPlace[] | undefined {
    const count = load(this.words, at + RecordPart.PLACES);
    const from = wordsOfText(load(this.words, at + RecordPart.KEY_LENGTH));
    if (!(count >= 0 && count <= MAX_PLACES)) return undefined;
    if (count === 1 && from >= 0 && from <= RECORD_WORDS - RecordPart.PAYLOAD - PLACE_WORDS)
      return this.#place(at + RecordPart.PAYLOAD + from);
    const payload = this.#payload(at, from, count * PLACE_WORDS);
    if (payload === undefined) return undefined;
    const places: ContentPlace[] = [];
    for (let word = 0; word < payload.length; word += PLACE_WORDS)
      places.push({
        number: payload[word] as number,
        generation: (payload[word + 1] as number) >>> 0,
        start: (payload[word + 2] as number) >>> 0,
        length: (payload[word + 3] as number) >>> 0,
      });
    return places;
  }

  /** The only one of a content. */
  #place(at: number): readonly ContentPlace[] {
    const single = this.#single;
    single.number = load(this.words, at);
    single.generation = load(this.words, at + 1) >>> 0;
    single.start = load(this.words, at + 2) >>> 0;
    single.length = load(this.words, at + 3) >>> 0;
    return this.#alone;
  }

  /** Words of the payload of a record. @returns undefined where it is malformed, or is being changed */
  #payload(record: number, from: number, count: number): Int32Array | undefined {
    if (!(from >= 0 && from <= MAX_TEXT_WORDS && count >= 0 && count <= MAX_TEXT_WORDS)) return undefined;
    const payload = new Int32Array(count);
    let at = record;
    let place = RecordPart.PAYLOAD + from;
    for (let word = 0; word < count; word++, place++) {
      while (place >= RECORD_WORDS) {
        const next = load(this.words, at + RecordPart.CONTINUED);
        if (!this.#words.isRecord(next)) return undefined;
        place = place - RECORD_WORDS + CONTINUED_AT;
        at = this.#words.at(next);
      }
      payload[word] = load(this.words, at + place);
    }
    return payload;
  }

  /** Looks at the numbers of the header, of one moment. */
  #look(): void {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const count = load(this.words, Head.COUNT);
      if (count < 0) {
        this.#until = 0;
        this.#count = count;
        return;
      }
      const [until, budget] = [this.#words.double(Head.UNTIL), this.#words.double(Head.BUDGET)];
      if ((count & 1) !== 0 || load(this.words, Head.COUNT) !== count) continue;
      this.#until = until;
      this.#budget = budget;
      this.#count = count;
      return;
    }
  }
}
