import type { Http2Stream } from './http2-stream.ts';

/** How many streams that we have reset are known: what their clients had sent by then may still come. */
const RESET_STREAMS = 256;

/** The streams of a connection. */
export class StreamTable {
  readonly #open = new Map<number, Http2Stream>();
  readonly #reset: number[] = [];
  #resetNext = 0;
  /** The last that the client has begun. */
  last = 0;

  get size(): number {
    return this.#open.size;
  }

  get(id: number): Http2Stream | undefined {
    return this.#open.get(id);
  }

  add(stream: Http2Stream): void {
    this.#open.set(stream.id, stream);
  }

  remove(id: number): void {
    this.#open.delete(id);
  }

  all(): IterableIterator<Http2Stream> {
    return this.#open.values();
  }

  /** Whether a stream was not begun. */
  isIdle(id: number): boolean {
    return id > this.last || (id & 1) === 0;
  }

  /** We have reset it. */
  noteReset(id: number): void {
    this.#reset[this.#resetNext] = id;
    this.#resetNext = (this.#resetNext + 1) % RESET_STREAMS;
  }

  wasReset(id: number): boolean {
    return this.#reset.includes(id);
  }
}
