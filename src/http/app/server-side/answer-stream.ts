import type { Aggregate } from '../../../aggregate/aggregate.ts';
import type { IncomingStream } from '../../../ipc/stream/incoming-stream.ts';
import { protocolError } from '../../../ipc/wire/frame.ts';

type Result = IteratorResult<Aggregate, undefined>;

/**
 * The body of an answer that comes as a stream, for whoever sends it: tells when it is over, and sees to it
 * that it is as long as was stated. To return early ends it at the application.
 */
export class AnswerStream implements AsyncIterableIterator<Aggregate> {
  readonly #stream: IncomingStream;
  readonly #over: () => void;
  /** Bytes that are to come, if that is known. */
  #left: number | undefined;

  /** @param over called once */
  constructor(stream: IncomingStream, length: number | undefined, over: () => void) {
    this.#stream = stream;
    this.#left = length;
    this.#over = once(over);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @throws what the stream failed with; ERR_IOLITE_PROTOCOL when it is longer or shorter than was stated */
  async next(): Promise<Result> {
    try {
      const result = await this.#stream.next();
      if (result.done === true) {
        if ((this.#left ?? 0) > 0) throw protocolError(`a body ended ${this.#left} bytes early`);
        this.#over();
      } else if (this.#left !== undefined) {
        this.#left -= result.value.length;
        if (this.#left < 0) {
          result.value.release();
          throw protocolError('a body is longer than was stated');
        }
      }
      return result;
    } catch (error) {
      await this.return();
      throw error;
    }
  }

  async return(): Promise<Result> {
    this.#stream.cancel();
    this.#over();
    return { value: undefined, done: true };
  }
}

function once(call: () => void): () => void {
  let called = false;
  return () => {
    if (called) return;
    called = true;
    call();
  };
}
