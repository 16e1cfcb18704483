import { Aggregate } from '../../../aggregate/aggregate.ts';
import { checkInteger, IoliteError } from '../../../base/error.ts';
import type { IncomingStream } from '../../../ipc/stream/incoming-stream.ts';
import type { ServerRequest } from '../../message/exchange.ts';
import { fieldOf, type HeaderList } from '../../message/header-list.ts';
import { BodyKind, type RequestHead } from '../app-protocol.ts';
import type { SiteCache } from './site-cache.ts';

/** Where a request gets what did not come with its head. */
export interface AppRequestSource {
  /** The body, when it came with the head. */
  readonly body: Aggregate | undefined;
  /** Aborted when nobody waits for the answer any more. */
  readonly context: { readonly signal: AbortSignal };
  /** The stream of a body that comes as one. Called once at most. */
  takeStream(): Promise<IncomingStream>;
  /** The files of the site. */
  readonly cache: SiteCache;
  /** Sends an interim response. */
  interim(status: number, headers: HeaderList): void;
}

/** Bytes of a body that {@link AppRequest.read} takes by default. */
const READ_LIMIT_BYTES = 16 * 1024 ** 2;

/** A request as an application gets it. */
export class AppRequest implements ServerRequest {
  /** As the client sent it. */
  readonly method: string;
  readonly target: string;
  readonly secure: boolean;
  readonly remoteAddress: string | undefined;
  readonly rawHeaders: readonly string[];
  readonly #kind: number;
  readonly #source: AppRequestSource;
  #taken = false;

  /**
   * Made by the server's half in this process.
   * @internal
   */
  constructor(head: RequestHead, source: AppRequestSource) {
    this.method = head.method;
    this.target = head.target;
    this.secure = head.secure;
    this.remoteAddress = head.remoteAddress;
    this.rawHeaders = head.rawHeaders;
    this.#kind = head.body;
    this.#source = source;
  }

  /** Aborted when the client is gone, or the time for the answer is over. */
  get signal(): AbortSignal {
    return this.#source.context.signal;
  }

  /**
   * The server's cache of the files that the site may serve: what is read here is the one copy that the
   * server sends from. Costs nothing until it is used.
   */
  get cache(): SiteCache {
    return this.#source.cache;
  }

  /** Sends an interim response ahead of the answer: 102, or 103 with its Link. */
  interim(status: number, headers: HeaderList): void {
    this.#source.interim(status, headers);
  }

  /**
   * The value of a field by its name in lower case; values of several lines are joined with ', '. O(fields).
   */
  header(name: string): string | undefined {
    return fieldOf(this.rawHeaders, name);
  }

  /**
   * The body, piece by piece, each the reader's to release; undefined when there is none. To be read once,
   * and not longer than until the answer is sent. Reading is what lets the client send more.
   */
  get body(): AsyncIterableIterator<Aggregate> | undefined {
    return this.#kind === BodyKind.NONE ? undefined : this.#pieces();
  }

  /**
   * The whole body, the caller's to release; an empty one when there is none. Shares the server's memory.
   * @param options `limit`: most bytes to take, 16 MiB by default
   * @throws ERR_IOLITE_LIMIT beyond it; ERR_IOLITE_ARGUMENT when the body was read before; what the body
   *   failed with
   */
  async read(options: { readonly limit?: number } = {}): Promise<Aggregate> {
    const { limit = READ_LIMIT_BYTES } = options;
    checkInteger(limit, 'limit', 0, Number.MAX_SAFE_INTEGER);
    if (this.#kind === BodyKind.WHOLE) return this.#whole(limit);
    const whole = Aggregate.empty();
    if (this.#kind === BodyKind.NONE) return whole;
    try {
      for await (const piece of this.#pieces()) {
        using taken = piece;
        if (whole.length + taken.length > limit) throw tooLong(limit);
        whole.append(taken);
      }
      return whole;
    } catch (error) {
      whole.release();
      throw error;
    }
  }

  /** A body that came with the head. */
  #whole(limit: number): Aggregate {
    this.#take();
    const { body } = this.#source;
    if (body === undefined) return Aggregate.empty();
    if (body.length > limit) throw tooLong(limit);
    return body.duplicate();
  }

  #take(): void {
    if (this.#taken) throw new IoliteError('ERR_IOLITE_ARGUMENT', 'Cannot read body: it was read before');
    this.#taken = true;
  }

  async *#pieces(): AsyncGenerator<Aggregate, undefined> {
    this.#take();
    if (this.#kind === BodyKind.STREAM) {
      yield* await this.#source.takeStream();
    } else if (this.#source.body !== undefined) {
      yield this.#source.body.duplicate();
    }
    return undefined;
  }
}

function tooLong(limit: number): IoliteError {
  return new IoliteError('ERR_IOLITE_LIMIT', `Cannot read body: it is longer than ${limit} bytes`);
}
