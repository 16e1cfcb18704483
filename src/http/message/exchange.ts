import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { ServedFile } from '../site/site-options.ts';

/**
 * A request as the handlers of this layer see it, whoever parsed it: the fast lane, node:http or node:http2.
 * (RFC 9110)
 */
export interface ServerRequest {
  readonly method: string;
  /** The request target as it was sent (RFC 9112, 3.2). */
  readonly target: string;
  /** The target before a middleware's mount path was taken off, if one was. What redirects are made from. */
  readonly originalTarget?: string | undefined;
  /** Whether it came through TLS. */
  readonly secure: boolean;
  /** Address of the client. */
  readonly remoteAddress: string | undefined;
  /** The value of a field by its name in lower case; values of several lines are joined with ', '. */
  header(name: string): string | undefined;
  /**
   * All fields in the order they came: name, value, name, value. Frozen when the same list may come with
   * another request.
   */
  readonly rawHeaders: readonly string[];
  /** Undefined when there is none. Reading it may be left off. */
  readonly body: AsyncIterable<Aggregate> | undefined;
  /**
   * Sends a 103 ahead of the answer (Early Hints, RFC 8297), once at most. Missing where it cannot be sent.
   * @param links values of the Link field
   */
  earlyHints?(links: readonly string[]): void;
  /**
   * Told of the file that answers, before the request's conditions are evaluated: what the response states in
   * its stead.
   */
  stated?(file: ServedFile): Stated | undefined;
}

/** What a response says of the file that it is made of, before the file's own fields are there. */
export interface Stated {
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  /** Whether its status is one of success: only then 304 can stand for it. */
  readonly isSuccess: boolean;
}

/**
 * Fields of an answer: name, value, name, value; without Connection, Keep-Alive and Transfer-Encoding, which
 * whoever sends it adds, and without Date, which is added as well unless it is there: an answer that another
 * server made keeps its date. Never changed once made: a list that is used for many answers lets the sender
 * keep its bytes.
 */
export type HeaderList = readonly string[];

/** An answer to a request, whoever sends it. */
export interface Answer {
  readonly status: number;
  readonly headers: HeaderList;
  /**
   * The sender releases it, also when it sends nothing (to HEAD, to a client that is gone). A body of unknown
   * length is an iterable, which the sender takes to its end or closes. Headers have the Content-Length where
   * it is known.
   */
  readonly body: Aggregate | AsyncIterable<Aggregate> | undefined;
}

/** Who an answer is for. */
export interface Recipient {
  /** Called once. Does not throw. */
  answered(answer: Answer): void;
}

/** An answer that is on its way to a {@link Recipient}. */
export interface Underway {
  /**
   * Nobody wants it any more, as the client is gone: it is not given then. Once it is given, that means
   * nothing.
   */
  giveUp(): void;
}

/** Answers requests. */
export interface Handler {
  /**
   * The answer if it is at hand: no wait, no disk, no other process. Undefined says nothing: ask
   * {@link answer}.
   */
  answerNow?(request: ServerRequest): Answer | undefined;
  /**
   * Whether it is known, without a look anywhere, that {@link answer} would leave the request to somebody
   * else.
   */
  declines?(request: ServerRequest): boolean;
  /**
   * As {@link answer}, without promises and a signal: they cost more than all else that a server does for an
   * answer which another process gives. For handlers that answer tens of thousands of requests a second.
   * @param recipient told after this has returned, unless the request is given up first
   * @returns undefined when the request has to be put to {@link answer}
   */
  answerTo?(request: ServerRequest, recipient: Recipient): Underway | undefined;
  /**
   * @param signal aborted when the client is gone
   * @returns undefined when the request is for somebody else (`next` of a middleware; 404 where there is
   *   none)
   * @throws only what is a bug, or the signal's reason: failures are answers
   */
  answer(request: ServerRequest, signal: AbortSignal): Promise<Answer | undefined>;
}
