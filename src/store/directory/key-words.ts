import { wordsOfText } from './layout.ts';

const FIRST_WORDS = 256;

/** A key as words, two characters each, and its hash (MurmurHash3 by Austin Appleby, for 32 bits). */
export class KeyWords {
  words = new Int32Array(FIRST_WORDS);
  /** Characters of the key, and how many words these are. */
  length = 0;
  count = 0;

  /** Takes a key, in place of the one before. O(characters). @returns its hash */
  take(key: string, seed: number): number {
    const { length } = key;
    const count = wordsOfText(length);
    if (count > this.words.length) this.words = new Int32Array(2 * count);
    const { words } = this;
    let hash = seed;
    for (let word = 0, at = 0; word < count; word++, at += 2) {
      // Behind the last character there is none, which is 0 here.
      const both = key.charCodeAt(at) | (at + 1 < length ? key.charCodeAt(at + 1) << 16 : 0);
      words[word] = both;
      hash = mixed(hash, both);
    }
    this.length = length;
    this.count = count;
    return finished(hash ^ length);
  }
}

function mixed(hash: number, word: number): number {
  let each = Math.imul(word, 0xcc9e2d51);
  each = (each << 15) | (each >>> 17);
  const next = hash ^ Math.imul(each, 0x1b873593);
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0;
}

function finished(hash: number): number {
  let mix = hash;
  mix = Math.imul(mix ^ (mix >>> 16), 0x85ebca6b);
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35);
  return mix ^ (mix >>> 16);
}

const MAX_CHARACTERS = 4096;

/** A text out of words of two characters. */
export function textOfWords(words: Int32Array, from: number, characters: number): string {
  let text = '';
  for (let at = 0; at < characters; at += MAX_CHARACTERS) {
    const codes: number[] = [];
    for (let place = at; place < Math.min(characters, at + MAX_CHARACTERS); place++) {
      const both = words[from + (place >> 1)] as number;
      codes.push((place & 1) === 0 ? both & 0xffff : both >>> 16);
    }
    text += String.fromCharCode(...codes);
  }
  return text;
}
