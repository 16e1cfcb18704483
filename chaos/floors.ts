import { closeSync, openSync, readSync, writeSync } from 'node:fs';

const WORD_BYTES = 4;

/**
 * For each of some things, the oldest version of it that may still be found: a plain file, so that what is
 * tried has no part in it. Whoever changes a thing raises its floor when the change is said to be over;
 * whoever reads it looks at the floor first.
 */
export class Floors implements Disposable {
  readonly #fd: number;

  /** @param path of a file that is there */
  constructor(path: string) {
    this.#fd = openSync(path, 'r+');
  }

  /** 0 where nothing was raised. */
  of(place: number): number {
    const word = Buffer.alloc(WORD_BYTES);
    readSync(this.#fd, word, 0, WORD_BYTES, WORD_BYTES * place);
    return word.readUInt32LE();
  }

  /** To be called by one process only for each of them, and never with less. */
  raise(place: number, version: number): void {
    const word = Buffer.alloc(WORD_BYTES);
    word.writeUInt32LE(version);
    writeSync(this.#fd, word, 0, WORD_BYTES, WORD_BYTES * place);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
