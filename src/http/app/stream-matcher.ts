import { IoliteError } from '../../base/error.ts';
import type { IncomingStream } from '../../ipc/stream/incoming-stream.ts';

interface Place {
  stream: IncomingStream | undefined;
  /** Who waits for the stream. */
  give: ((stream: IncomingStream) => void) | undefined;
  fail: ((error: Error) => void) | undefined;
}

/**
 * Brings the streams of a channel together with the requests that they belong to: either may come first. A
 * stream of a request that is not open, or that nobody takes, is cancelled.
 */
export class StreamMatcher {
  readonly #places = new Map<number, Place>();
  readonly #mayOpen: (id: number) => boolean;

  /** @param mayOpen whether a request that is not open yet may be: its stream is kept for it then */
  constructor(mayOpen: (id: number) => boolean = () => false) {
    this.#mayOpen = mayOpen;
  }

  /** A request that a stream may come for, or has come for. */
  open(id: number): void {
    if (this.#places.has(id)) return;
    this.#places.set(id, { stream: undefined, give: undefined, fail: undefined });
  }

  isOpen(id: number): boolean {
    return this.#places.has(id);
  }

  /** A stream came. */
  arrived(id: number, stream: IncomingStream): void {
    if (!this.#places.has(id) && this.#mayOpen(id)) this.open(id);
    const place = this.#places.get(id);
    if (place === undefined || place.stream !== undefined) stream.cancel();
    else if (place.give === undefined) place.stream = stream;
    else {
      this.#places.delete(id);
      place.give(stream);
    }
  }

  /**
   * The stream of an open request, from now on the caller's.
   * @throws what {@link end} is given; ERR_IOLITE_CLOSED when the request is closed first
   */
  async take(id: number): Promise<IncomingStream> {
    const place = this.#places.get(id);
    if (place === undefined) throw gone();
    if (place.stream !== undefined) {
      this.#places.delete(id);
      return place.stream;
    }
    return new Promise((give, fail) => Object.assign(place, { give, fail }));
  }

  /** The request is over: a stream that was not taken is not wanted. */
  close(id: number): void {
    if (this.#places.size === 0) return;
    const place = this.#places.get(id);
    if (place === undefined) return;
    this.#places.delete(id);
    place.stream?.cancel();
    place.fail?.(gone());
  }

  /** No more streams will come. */
  end(reason: Error): void {
    for (const { fail } of this.#places.values()) fail?.(reason);
    this.#places.clear();
  }
}

function gone(): IoliteError {
  return new IoliteError('ERR_IOLITE_CLOSED', 'Cannot read body: its request is over');
}
