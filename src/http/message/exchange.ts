import type { Duplex } from 'node:stream';
import type { Repeatable } from '../../base/repeatable.ts';
import type { Body, RequestBody } from './body.ts';
import type { HeaderList } from './header-list.ts';

/**
 * What handlers keep with a request whose very bytes came before and are likely to come again: what they have
 * found for it, so that they need not look for it. A handler sees to it that what it finds here is its own.
 */
export interface RequestNotes {
  /** What the handler of a site has found. */
  site: object | undefined;
}

/**
 * A request as the handlers of this storey see it, whoever parsed it: the fast lane, node:http or node:http2.
 * (RFC 9110)
 */
export interface ServerRequest {
  /** In the case that it came in: methods are case-sensitive. */
  readonly method: string;
  /** The request target as it was sent (RFC 9112, 3.2). */
  readonly target: string;
  /** The target before a middleware's mount path was taken off, if one was. What redirects are made from. */
  readonly originalTarget?: string | undefined;
  /** How often it was redirected inside of the server, if it was. */
  readonly redirects?: number | undefined;
  /** Whether it came through TLS. */
  readonly secure: boolean;
  /** Address of the client. */
  readonly remoteAddress: string | undefined;
  /** The value of a field by its name in lower case; values of several lines are joined with ', '. */
  header(name: string): string | undefined;
  /** All fields in the order they came. Frozen when the same list may come with another request. */
  readonly rawHeaders: HeaderList;
  /** Missing where nothing is kept. */
  readonly notes?: RequestNotes | undefined;
  /** Default 'exact'. */
  readonly fidelity?: Fidelity | undefined;
  /** Undefined when there is none. Reading it may be left off. */
  readonly body: RequestBody | undefined;
  /**
   * The protocols that the client asks to go over to (Upgrade), where its connection can be given to one: see
   * {@link Answer.tunnel}.
   */
  readonly upgrade?: string | undefined;
  /**
   * Sends an interim response ahead of the answer: 102, or 103 with its Link. Others, and what comes too
   * late, are dropped. Missing where none can be sent.
   */
  interim?(status: number, headers: HeaderList): void;
  /**
   * Sends a 103 ahead of the answer (Early Hints, RFC 8297), once at most. Missing where it cannot be sent.
   * @param links values of the Link field
   */
  earlyHints?(links: readonly string[]): void;
  /**
   * Told of the file that answers, before the request's conditions are evaluated.
   * @returns what the response states in place of the file
   */
  stated?(file: ServedFile): Stated | undefined;
}

/**
 * What becomes of an answer's bytes on their way to the client (RFC 9110, 8.8.1, 8.8.3.3):
 * - 'exact': they arrive as they are. Tags are strong, and parts can be joined with what the client has.
 * - 'equivalent': others of the same meaning may have arrived before, though not this time: tags are weak,
 *   and a part is sent to who does not ask to join it with what it has.
 * - 'changeable': somebody may make others of them now: tags are weak, and the answer is whole.
 */
export type Fidelity = 'exact' | 'equivalent' | 'changeable';

/** What is known of a file that is served. */
export interface ServedFile {
  /** Where it lies, by the name that it was asked for. */
  readonly path: string;
  /** In bytes, without a content coding. */
  readonly size: number;
  /** When it was changed last. */
  readonly mtime: Date;
  /** The same in milliseconds since the epoch. */
  readonly mtimeMs: number;
}

/** What a response says of the file that it is made of, before the file's own fields are there. */
export interface Stated {
  /** The value of ETag, if it has one. */
  readonly etag: string | undefined;
  /** The value of Last-Modified, if it has one. */
  readonly lastModified: string | undefined;
  /** Whether its status is one of success: only then 304 can stand for it. */
  readonly isSuccess: boolean;
}

/** An answer to a request, whoever sends it. */
export interface Answer {
  /** From 200 on; 101 with a tunnel. */
  readonly status: number;
  /** Fields in the order that they are sent in. */
  readonly headers: HeaderList;
  /**
   * The sender releases it, also when it sends nothing (to HEAD, to a client that is gone). Headers have the
   * Content-Length where it is known.
   */
  readonly body: Body | undefined;
  /** The file that was asked for, where it was one and the handler says so. */
  readonly file?: ServedFile | undefined;
  /** Of a 101, to a request with `upgrade`: what the connection is for from here on. */
  readonly tunnel?: Tunnel | undefined;
  /**
   * What senders keep for answers with this status and these very headers, if they come again.
   * @internal
   */
  readonly kept?: KeptHead | undefined;
}

/**
 * What a connection is used for when it has gone over to another protocol. One of the two is called, once.
 */
export interface Tunnel {
  /** The value of Upgrade that the client is told. */
  readonly protocol: string;
  /**
   * Takes over the connection, to whose client the 101 was sent.
   * @returns what ends it in good order, soon
   */
  open(client: Duplex): { end(): void };
  /** The client is gone. */
  abandon(): void;
}

/** What a sender has made of a status and headers. The sender's. */
export interface KeptHead {
  head: object | undefined;
  /** The same for HTTP/2. */
  block?: object | undefined;
  /**
   * How many items of the list, from its beginning, are the same each time; the fields behind them, which are
   * neither Date nor Content-Length, differ. Missing: all are.
   */
  readonly fixed?: number;
}

/**
 * Whom an answer is for. One of the three is called, once, by whoever answers; also when the answer was given
 * up ({@link PendingAnswer}): then it may say that it has left off by failing. None of them throws.
 */
export interface Recipient {
  /**
   * Takes over the body.
   * @param repeatable as long as it says so, the answer may be given again to the same bytes of a request
   *   without asking the handler: see {@link Handler.letsRepeat}. Whoever makes another answer of it, or
   *   cannot tell, passes none on
   */
  answered(answer: Answer, repeatable?: Repeatable): void;
  /**
   * The request is for somebody else: `next` of a middleware; 404 where there is none.
   * @param repeatable as long as it says so, the same bytes of a request would be declined again. Whoever
   *   cannot tell passes none on
   */
  declined(repeatable?: Repeatable): void;
  /** The handler failed, which is a bug of it: what is to be expected are answers. */
  failed(error: unknown): void;
}

/** An answer that is still to come. */
export interface PendingAnswer {
  /**
   * Whether it comes soon, and costs little: whoever sees that a client has ended its side, and cannot tell
   * whether it still reads, does not give it up for that.
   */
  readonly comesSoon?: boolean;
  /**
   * The client is gone, or has said its last, as far as can be known: whoever answers may leave off. Once the
   * recipient is told, that means nothing.
   */
  giveUp(): void;
}

/** Answers requests. For handlers that are promised more easily than told there is {@link handlerOf}. */
export interface Handler {
  /**
   * Whether it may be left unasked where it has said that an answer is repeatable, or that it declines again:
   * what it does is the same, whoever sends a request, whenever and how often. A handler that counts, logs,
   * limits or admits clients is none of these, and one that does not say so is not taken for one.
   */
  readonly letsRepeat?: boolean;
  /** Whether it may answer with 101 where {@link ServerRequest.upgrade} lets it. */
  readonly takesUpgrades?: boolean;
  /**
   * Tells the recipient before it returns, if the answer is at hand: that is the fast way, for which servers
   * wait with all that an answer to come needs. Otherwise it tells it later.
   * @returns what the recipient gives up by if it is to be told later; undefined if it was told
   * @throws as {@link Recipient.failed} takes it; not after it has told the recipient
   */
  answer(request: ServerRequest, recipient: Recipient): PendingAnswer | undefined;
}
