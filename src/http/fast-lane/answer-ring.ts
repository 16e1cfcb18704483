import type { Repeatable } from '../../base/repeatable.ts';
import type { Address } from '../../os/libc.ts';
import type { Mapping } from '../../os/mapping/mapped-memory.ts';

/** What an answer consists of besides its head. */
export interface RingAnswer {
  readonly status: number;
  readonly repeatable: Repeatable;
  /** Of all lines of its head, or of all but the last ones, which are those of all answers. */
  readonly head: Uint8Array;
  readonly isWhole: boolean;
  /** Where its body lies as long as it may be repeated; 0 for none. */
  readonly bodyAddress: Address;
  readonly bodyBytes: number;
}

/** Words before a record's request, and the place of each. */
const RECORD_WORDS = 8;
const AT = {
  /** Words of the record. */
  size: 0,
  hash: 1,
  /** In bytes; 0 when the record is over. */
  requestLength: 2,
  /** Of what it may be repeated by. */
  number: 3,
  /** Above it, whether the head is whole, and its bytes. */
  status: 4,
  bodyLength: 5,
  /** Its lower and its higher half. */
  bodyAddress: 6,
} as const;
const HIGH_WORD = 0x1_0000_0000;
const STATUS_MASK = 0x7fff;
const IS_WHOLE = 0x8000;
/** A cache line: records begin at one. */
const LINE_WORDS = 16;
/** For whoever has the memory, before the first record. */
export const SPARE_BYTES = 256;
const FIRST_RECORD_AT = SPARE_BYTES / 4;

/** A hash and a place each. A group of them is half a cache line. */
const GROUP_ENTRIES = 4;
const GROUP_WORDS = 2 * GROUP_ENTRIES;
const FIRST_GROUPS = 1024;
/** Records for each group from which on there are more groups. */
const FULL_GROUP_RECORDS = 2;
const SPREAD = 0x9e3779b1;

/**
 * Requests by their bytes, with what they are answered with, in one piece of memory and one object each: with
 * thousands of files that are asked for by chance, each object on the way to an answer is a miss of the
 * processor's caches, and of its page tables.
 *
 *     record │ size, lengths, ... │ bytes of the request, in words │ head of the answer │   × n, in a ring
 *     groups │ hash, place │ hash, place │ hash, place │ hash, place │   by the lower bits of the hash
 *
 * The oldest make room for the newest, and what comes again is put there again. A record whose group is full
 * takes the place of another.
 */
export class AnswerRing {
  readonly #words: Int32Array;
  readonly #bytes: Buffer;
  readonly #address: Address;
  /** What requests are read into, in words. */
  readonly #read: Int32Array;
  readonly #mostRecords: number;
  readonly #repeatables: (Repeatable | undefined)[] = [];
  #groups = new Int32Array(FIRST_GROUPS * GROUP_WORDS);
  /** Of records, in words: the first; where the next is to be; behind the last one before the first word. */
  #oldest = FIRST_RECORD_AT;
  #next = FIRST_RECORD_AT;
  #end: number;
  #count = 0;
  #number = 0;

  /**
   * @param memory for the records. From 128 bytes a record on, plus the request and the head
   * @param read what requests are read into, from its first byte on, which begins a word
   * @param mostRecords a power of two
   */
  constructor(memory: Mapping, read: Buffer, mostRecords: number) {
    this.#bytes = memory.bytes;
    this.#address = memory.address;
    this.#words = new Int32Array(memory.bytes.buffer, memory.bytes.byteOffset, memory.length >>> 2);
    this.#read = new Int32Array(read.buffer, read.byteOffset, read.length >>> 2);
    this.#mostRecords = mostRecords;
    this.#end = this.#words.length;
  }

  /** Records that are kept, those that are over included until it is their turn. */
  get count(): number {
    return this.#count;
  }

  /**
   * The record of a request.
   * @param length of the request, in bytes, which are the first that were read
   * @returns where it lies; -1 for none
   */
  find(length: number): number {
    const hash = this.#hashOf(length);
    const groups = this.#groups;
    const group = placeOfGroup(groups, hash);
    for (let entry = group; entry < group + GROUP_WORDS; entry += 2) {
      if (groups[entry] !== hash) continue;
      const record = groups[entry + 1] as number;
      if (record !== 0 && this.#isAt(record, length)) return record;
    }
    return -1;
  }

  repeatableOf(record: number): Repeatable | undefined {
    return this.#repeatables[this.#words[record + AT.number] as number];
  }

  statusOf(record: number): number {
    return (this.#words[record + AT.status] as number) & STATUS_MASK;
  }

  /** Whether its head has its last lines. */
  isWhole(record: number): boolean {
    return ((this.#words[record + AT.status] as number) & IS_WHOLE) !== 0;
  }

  /** Has a record's head brought up to date by what it may be repeated by. */
  renew(record: number): void {
    const repeatable = this.repeatableOf(record);
    if (repeatable?.renew === undefined) return;
    const start = 4 * this.#headOf(record);
    repeatable.renew(this.#bytes, start, start + this.headLengthOf(record));
  }

  headLengthOf(record: number): number {
    return (this.#words[record + AT.status] as number) >>> 16;
  }

  headAddressOf(record: number): Address {
    return this.#address + 4 * this.#headOf(record);
  }

  bodyLengthOf(record: number): number {
    return this.#words[record + AT.bodyLength] as number;
  }

  bodyAddressOf(record: number): Address {
    const at = record + AT.bodyAddress;
    return ((this.#words[at + 1] as number) >>> 0) * HIGH_WORD + ((this.#words[at] as number) >>> 0);
  }

  /** The record's answer is not to be repeated any more. */
  forget(record: number): void {
    const words = this.#words;
    this.#unlink(record);
    words[record + AT.requestLength] = 0;
    this.#repeatables[words[record + AT.number] as number] = undefined;
  }

  /**
   * Keeps what a request is answered with, in place of what was known of it.
   * @param length as of {@link find}; at most 65,535 bytes, as of the head
   */
  keep(length: number, answer: RingAnswer): void {
    const { status, repeatable, head, isWhole, bodyAddress, bodyBytes } = answer;
    const known = this.find(length);
    if (known !== -1) this.forget(known);
    const requestWords = (length + 3) >>> 2;
    const size = upToLine(RECORD_WORDS + requestWords + ((head.length + 3) >>> 2));
    if (size > (this.#words.length - FIRST_RECORD_AT) / 2) return;
    const record = this.#room(size);
    const words = this.#words;
    const hash = this.#hashOf(length);
    words[record + AT.size] = size;
    words[record + AT.hash] = hash;
    words[record + AT.requestLength] = length;
    words[record + AT.number] = this.#number;
    words[record + AT.status] = status | (isWhole ? IS_WHOLE : 0) | (head.length << 16);
    words[record + AT.bodyLength] = bodyBytes;
    words[record + AT.bodyAddress] = bodyAddress;
    words[record + AT.bodyAddress + 1] = bodyAddress / HIGH_WORD;
    for (let i = 0; i < requestWords; i++) words[record + RECORD_WORDS + i] = this.#wordAt(i, length);
    this.#bytes.set(head, 4 * this.#headOf(record));
    this.#repeatables[this.#number] = repeatable;
    this.#number = (this.#number + 1) & (this.#mostRecords - 1);
    this.#count += 1;
    if (this.#count > (this.#groups.length / GROUP_WORDS) * FULL_GROUP_RECORDS) this.#regroup();
    else this.#link(record, hash);
  }

  #headOf(record: number): number {
    return record + RECORD_WORDS + (((this.#words[record + AT.requestLength] as number) + 3) >>> 2);
  }

  #hashOf(length: number): number {
    const read = this.#read;
    const whole = length >>> 2;
    let hash = length;
    for (let i = 0; i < whole; i++) hash = mixed(hash, read[i] as number);
    if ((length & 3) !== 0) hash = mixed(hash, this.#wordAt(whole, length));
    return spread(hash);
  }

  /** Bytes of the request alone. */
  #wordAt(index: number, length: number): number {
    const word = this.#read[index] as number;
    const bytes = length - 4 * index;
    return bytes >= 4 ? word : word & ((1 << (8 * bytes)) - 1);
  }

  #isAt(record: number, length: number): boolean {
    const words = this.#words;
    const read = this.#read;
    if (words[record + AT.requestLength] !== length) return false;
    const start = record + RECORD_WORDS;
    const whole = length >>> 2;
    for (let i = 0; i < whole; i++) if (words[start + i] !== read[i]) return false;
    return (length & 3) === 0 || words[start + whole] === this.#wordAt(whole, length);
  }

  /** Room for a record behind the newest: the oldest give it up. */
  #room(size: number): number {
    if (this.#count === this.#mostRecords) this.#drop();
    if (this.#next + size > this.#words.length) {
      while (this.#count > 0 && this.#oldest >= this.#next) this.#drop();
      this.#end = this.#next;
      this.#next = FIRST_RECORD_AT;
    }
    while (this.#count > 0 && this.#oldest >= this.#next && this.#oldest < this.#next + size) this.#drop();
    const record = this.#next;
    if (this.#count === 0) this.#oldest = record;
    this.#next = record + size;
    return record;
  }

  /** Drops the oldest. */
  #drop(): void {
    const record = this.#oldest;
    if (this.#words[record + AT.requestLength] !== 0) this.forget(record);
    this.#oldest = this.#behind(record);
    // What is written from now on ends elsewhere.
    if (this.#oldest < record) this.#end = this.#words.length;
    this.#count -= 1;
  }

  #behind(record: number): number {
    const next = record + (this.#words[record + AT.size] as number);
    return next === this.#end ? FIRST_RECORD_AT : next;
  }

  #link(record: number, hash: number): void {
    const groups = this.#groups;
    const group = placeOfGroup(groups, hash);
    let entry = group;
    while (entry < group + GROUP_WORDS && groups[entry + 1] !== 0) entry += 2;
    if (entry === group + GROUP_WORDS) {
      entry = group + 2 * (this.#number % GROUP_ENTRIES);
      this.forget(groups[entry + 1] as number);
    }
    groups[entry] = hash;
    groups[entry + 1] = record;
  }

  #unlink(record: number): void {
    const groups = this.#groups;
    const group = placeOfGroup(groups, this.#words[record + AT.hash] as number);
    for (let entry = group; entry < group + GROUP_WORDS; entry += 2) {
      if (groups[entry + 1] === record) groups[entry + 1] = 0;
    }
  }

  /** Twice as many groups. */
  #regroup(): void {
    this.#groups = new Int32Array(2 * this.#groups.length);
    const words = this.#words;
    let record = this.#oldest;
    for (let left = this.#count; left > 0; left--) {
      if (words[record + AT.requestLength] !== 0) this.#link(record, words[record + AT.hash] as number);
      record = this.#behind(record);
    }
  }
}

function mixed(hash: number, word: number): number {
  return Math.imul(((hash << 5) | (hash >>> 27)) ^ word, SPREAD);
}

/** Lets each bit of a hash change the others, the lower ones above all, which say the group. */
function spread(hash: number): number {
  const half = Math.imul(hash ^ (hash >>> 16), SPREAD);
  return half ^ (half >>> 15);
}

function placeOfGroup(groups: Int32Array, hash: number): number {
  return (hash * GROUP_WORDS) & (groups.length - 1);
}

function upToLine(words: number): number {
  return (words + LINE_WORDS - 1) & -LINE_WORDS;
}
