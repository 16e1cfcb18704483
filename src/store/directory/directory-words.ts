import { KeyWords } from './key-words.ts';
import {
  BUCKETS_AT,
  CHUNK_SLOTS,
  CHUNKS_AT,
  CONTINUED_AT,
  Head,
  NONE,
  RECORD_WORDS,
  RecordPart,
  recordsAt,
  wordsOf,
} from './layout.ts';

const { load } = Atomics;

/** The parts of a number of two words. */
const double = new Float64Array(1);
const halves = new Int32Array(double.buffer);

/** More records of one bucket than this are no honest ones, or are being changed. */
const MAX_STEPS = 1000;

/** What {@link DirectoryWords.find} has not found, for all it can say. */
export const UNCERTAIN = -0x1;

/** A directory's memory, as who writes it and who reads it see it. What is read may be changing. */
export class DirectoryWords {
  readonly words: Int32Array;
  readonly records: number;
  readonly buckets: number;
  readonly #seed: number;
  readonly #recordsAt: number;
  readonly #key = new KeyWords();
  /** The hash of the key that was looked for last. */
  hash = 0;

  /** @throws RangeError when that is no directory */
  constructor(words: Int32Array) {
    this.words = words;
    this.records = load(words, Head.RECORDS);
    this.buckets = load(words, Head.BUCKETS);
    this.#seed = load(words, Head.SEED);
    this.#recordsAt = recordsAt(this.buckets);
    const { records, buckets } = this;
    if (!(records > 1 && buckets === records && isPowerOfTwo(records) && wordsOf(records) <= words.length))
      throw new RangeError('a directory has records for its size');
  }

  /** Where a record begins; one that there is. */
  at(record: number): number {
    return this.#recordsAt + record * RECORD_WORDS;
  }

  /** Where the bucket of a hash stands. */
  bucketAt(hash: number): number {
    return BUCKETS_AT + (hash & (this.buckets - 1));
  }

  /** Where a chunk's number and generation stand. */
  chunkAt(number: number): number {
    return CHUNKS_AT + 2 * (number & (CHUNK_SLOTS - 1));
  }

  isRecord(record: number): boolean {
    return record > NONE && record < this.records;
  }

  double(at: number): number {
    halves[0] = load(this.words, at);
    halves[1] = load(this.words, at + 1);
    return double[0] as number;
  }

  setDouble(at: number, value: number): void {
    double[0] = value;
    Atomics.store(this.words, at, halves[0] as number);
    Atomics.store(this.words, at + 1, halves[1] as number);
  }

  /**
   * The record of a key; NONE; or {@link UNCERTAIN}. O(characters of the key).
   * @param most how many records of a bucket are looked at: who writes it looks at all
   */
  find(key: string, most = MAX_STEPS): number {
    const { words } = this;
    const hash = this.#key.take(key, this.#seed);
    this.hash = hash;
    let record = load(words, this.bucketAt(hash));
    for (let steps = 0; this.isRecord(record); steps++) {
      const at = this.at(record);
      if (load(words, at + RecordPart.HASH) === hash && this.isOfKey(at)) return record;
      if (steps === most) return UNCERTAIN;
      record = load(words, at + RecordPart.NEXT);
    }
    return record === NONE ? NONE : UNCERTAIN;
  }

  /** Whether a record is of the key that was looked for last. */
  isOfKey(at: number): boolean {
    const { words } = this;
    const { words: key, count, length } = this.#key;
    if (load(words, at + RecordPart.KEY_LENGTH) !== length) return false;
    const inline = Math.min(count, RECORD_WORDS - RecordPart.PAYLOAD);
    for (let word = 0; word < inline; word++)
      if (load(words, at + RecordPart.PAYLOAD + word) !== key[word]) return false;
    return count === inline || this.#isContinued(at, inline);
  }

  #isContinued(at: number, from: number): boolean {
    const { words } = this;
    const { words: key, count } = this.#key;
    let record = load(words, at + RecordPart.CONTINUED);
    for (let word = from; word < count; ) {
      if (!this.isRecord(record)) return false;
      const next = this.at(record);
      for (let place = CONTINUED_AT; place < RECORD_WORDS && word < count; place++, word++)
        if (load(words, next + place) !== key[word]) return false;
      record = load(words, next + RecordPart.CONTINUED);
    }
    return true;
  }

  /** The key that was looked for last, as words. */
  get key(): KeyWords {
    return this.#key;
  }
}

function isPowerOfTwo(number: number): boolean {
  return (number & (number - 1)) === 0;
}
