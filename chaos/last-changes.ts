import { closeSync, openSync, readSync, writeSync } from 'node:fs';

/** For what is said of each. */
const LINE_BYTES = 256;

/**
 * What was done last to each of some things, in words, for who finds an older version of it: a plain file,
 * as of {@link Floors}.
 */
export class LastChanges implements Disposable {
  readonly #fd: number;

  /** @param path of a file that is there */
  constructor(path: string) {
    this.#fd = openSync(path, 'r+');
  }

  /** To be called by one process only for each of them. */
  note(place: number, text: string): void {
    writeSync(this.#fd, text.padEnd(LINE_BYTES).slice(0, LINE_BYTES), LINE_BYTES * place);
  }

  /** '' where nothing was noted. */
  of(place: number): string {
    const line = Buffer.alloc(LINE_BYTES);
    readSync(this.#fd, line, 0, LINE_BYTES, LINE_BYTES * place);
    return line.toString().replace(/[\0 ]+$/, '');
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
