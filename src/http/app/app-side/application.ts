import type { Aggregate } from '../../../aggregate/aggregate.ts';
import type { StreamLike } from '../../../aggregate/stream/from-stream.ts';
import type { Bytes } from '../../../base/bytes.ts';
import type { HeaderList } from '../../message/header-list.ts';
import type { AppRequest } from './app-request.ts';

/**
 * Fields of an answer; as a list: name, value, name, value. A field with several values becomes several
 * lines.
 */
export type AppHeaders =
  | Readonly<Record<string, string | number | readonly string[]>>
  | HeaderList
  | Headers
  | ReadonlyMap<string, string>;

/** What an application answers with. */
export interface AppResponse {
  /** Default 200. */
  readonly status?: number | undefined;
  /**
   * Content-Length is added where it is known, and Date unless it is there. Fields of the connection
   * (Connection, Keep-Alive, Transfer-Encoding, Upgrade) are the server's own, and left out.
   */
  readonly headers?: AppHeaders | undefined;
  /**
   * An aggregate is sent from where it is, to the client's socket: it is the server's to release, so answer
   * with a `duplicate()` of one that you keep. Bytes and strings are copied once, into a pool. Streams and
   * iterables are sent piece by piece, as fast as the client reads.
   */
  readonly body?: Aggregate | string | Bytes | StreamLike | null | undefined;
}

/**
 * An application: the default export of the module that an application process runs. What it throws is
 * reported on stderr, and answered with 500.
 */
export type AppHandler = (request: AppRequest) => AppResponse | Promise<AppResponse>;

/** An application written for the fetch interface, as a default export: a Hono app is one. */
export interface FetchApp {
  /** Answers a request, as a handler of Fetch does. */
  fetch(request: Request): Response | Promise<Response>;
}
