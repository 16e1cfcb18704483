import { UserError } from '../../user-error.ts';

/**
 * Requests for files in their order. Files are numbered, so that a long trace takes twelve bytes a request.
 */
export interface Trace {
  /** The files' names, by number. */
  readonly names: readonly string[];
  /** Of each request, the file's number. */
  readonly files: Uint32Array;
  /** Of each request, the file's size in bytes. */
  readonly sizes: Float64Array;
  /** The largest size of each file, together. */
  readonly distinctBytes: number;
}

/** What a Map holds at most is 2^24. */
const MAX_FILES = 2 ** 24 - 1;
const FIRST_ROOM_REQUESTS = 1024;

/** Collects requests into a trace. */
export class TraceBuilder {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #largest: number[] = [];
  #files = new Uint32Array(FIRST_ROOM_REQUESTS);
  #sizes = new Float64Array(FIRST_ROOM_REQUESTS);
  #length = 0;

  /**
   * @param size undefined when this request does not tell @throws UserError when there are too many files
   */
  add(name: string, size: number | undefined): void {
    if (this.#length === this.#files.length) this.#grow();
    const file = this.#numberOf(name);
    this.#files[this.#length] = file;
    this.#sizes[this.#length] = size ?? Number.NaN;
    this.#length += 1;
    if (size !== undefined) this.#largest[file] = Math.max(this.#largest[file] ?? 0, size);
  }

  /** The trace, of requests that each state the size at their time. */
  withStatedSizes(): Trace {
    return this.#trace(this.#files.subarray(0, this.#length), this.#sizes.subarray(0, this.#length));
  }

  /**
   * The trace, of requests that may have been for a part or were broken off: a file's size is the largest
   * stated at any time. Requests for files of which none is stated are left out.
   */
  withLargestSizes(): Trace {
    const files = this.#files.subarray(0, this.#length).filter(file => this.#largest[file] !== undefined);
    return this.#trace(
      files,
      Float64Array.from(files, file => this.#largest[file] as number),
    );
  }

  #trace(files: Uint32Array, sizes: Float64Array): Trace {
    let distinctBytes = 0;
    for (const largest of this.#largest) distinctBytes += largest ?? 0;
    return { names: this.#names, files, sizes, distinctBytes };
  }

  #numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#names.length;
    if (number === MAX_FILES) throw new UserError(`Cannot use trace: it has more than ${MAX_FILES} files`);
    this.#numbers.set(name, number);
    this.#names.push(name);
    return number;
  }

  #grow(): void {
    const [files, sizes] = [this.#files, this.#sizes];
    this.#files = new Uint32Array(2 * files.length);
    this.#files.set(files);
    this.#sizes = new Float64Array(2 * sizes.length);
    this.#sizes.set(sizes);
  }
}
