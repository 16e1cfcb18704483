/**
 * The directory of a store: what is under which key, in memory that other domains map read-only, as words of
 * 32 bits in the machine's order. One domain writes it, any number reads it at the same time.
 *
 *     | header | chunks: which, at which generation | buckets: first record | records ... |
 *
 * A record is one key:
 *
 *     | count | hash | next in bucket | continued in | lengths | facts | serial | key, places, note ... |
 *
 * What does not fit there is continued in records without a key. The count of a record is odd while it is
 * being written and is another one afterwards: who reads looks at it before and behind (a sequence lock). All
 * words are written and read by Atomics, so that all processors see them in that order.
 */

/** Of the header, in words. */
export const Head = {
  /**
   * Count of the numbers in the header, as that of a record; below 0 once another directory has taken the
   * place of this one.
   */
  COUNT: 0,
  /** Odd while something is between: then what is not found may be there. */
  CHANGES: 1,
  /** What hashes begin with, so that no one knows beforehand which keys meet. */
  SEED: 2,
  /** How many records there are, used or not, and buckets: powers of two. */
  RECORDS: 3,
  BUCKETS: 4,
  /** How many keys there are. */
  ENTRIES: 5,
  /** Numbers of two words: until when it may be used unasked; what the store may have, and has, in bytes. */
  UNTIL: 6,
  BUDGET: 8,
  BYTES: 10,
} as const;

/** Of a record, in words. */
export const RecordPart = {
  COUNT: 0,
  HASH: 1,
  NEXT: 2,
  CONTINUED: 3,
  /** In characters, places, and characters. */
  KEY_LENGTH: 4,
  PLACES: 5,
  NOTE_LENGTH: 6,
  KIND: 7,
  /** Numbers of two words. */
  FACTS: 8,
  SERIAL: 14,
  /** Key, places and note, each from a word on. */
  PAYLOAD: 16,
} as const;

/** How many numbers are known of a content besides its kind. */
export const FACTS = 3;
const HEAD_WORDS = 64;
/** Chunks have a number, whose last digits say where it stands here: two words, it and the generation. */
export const CHUNK_SLOTS = 8192;
export const CHUNKS_AT = HEAD_WORDS;
export const BUCKETS_AT = CHUNKS_AT + 2 * CHUNK_SLOTS;
export const RECORD_WORDS = 32;
/** Where what is continued begins in a record, behind the words that all have. */
export const CONTINUED_AT = RecordPart.CONTINUED + 1;
/** Number of a chunk, its generation, where the slice begins, and its length. */
export const PLACE_WORDS = 4;
/** The first record is none. */
export const NONE = 0x0;

/** Where the records begin. */
export function recordsAt(buckets: number): number {
  return BUCKETS_AT + buckets;
}

/** Words of a directory with so many records, and as many buckets. */
export function wordsOf(records: number): number {
  return recordsAt(records) + records * RECORD_WORDS;
}

/** Two characters of a text a word. */
export function wordsOfText(characters: number): number {
  return (characters + 1) >> 1;
}
