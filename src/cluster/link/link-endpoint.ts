import { EventEmitter } from 'node:events';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { checkInteger, IoliteError, optionNames } from '../../base/error.ts';
import { Inbox } from '../../ipc/inbox.ts';
import { writeReason } from '../../ipc/wire/failure.ts';
import { FrameReader, FrameType, FrameWriter, protocolError } from '../../ipc/wire/frame.ts';
import { checkAsk, type LinkSide, type LinkTrust } from './introduction.ts';
import type { Link } from './link.ts';
import { type LinkGreeting, readLinkGreeting } from './link-greeting.ts';
import { LINK_OPTION_NAMES, type LinkOptions } from './link-options.ts';
import { senderOf } from './payloads.ts';

/** Options of cluster.listen(). */
export interface LinkEndpointOptions extends LinkOptions {
  /**
   * Whether all machines that listen by the name are one: each link is opened to one of them, as NATS shares
   * them out. Default false: the one that answers first has it.
   */
  readonly queue?: boolean;
  /** Most links that are open at a time. Default 1024. */
  readonly maxLinks?: number;
  /** Milliseconds that a peer may take to confirm that it wants the link. Default 5000. */
  readonly greetingTimeout?: number;
}

export const LINK_ENDPOINT_NAMES = optionNames<LinkEndpointOptions>({
  ...LINK_OPTION_NAMES,
  queue: true,
  maxLinks: true,
  greetingTimeout: true,
});

interface Events {
  /** A machine has opened a link. */
  channel: [link: Link];
  /** A link came to nothing: why. The endpoint goes on. */
  refused: [error: Error];
  close: [];
  /** EventEmitter's own. */
  newListener: [event: string | symbol];
}

/** What an endpoint needs of its cluster. */
export interface LinkEndpointHost {
  readonly connection: NatsConnection;
  /** Where it listens, and what who asks there has to know. */
  readonly trust: LinkTrust;
  /** A link to who has asked. */
  accept(asker: LinkSide): Link;
  /** An inbox that nobody has. */
  newInbox(): string;
  /** The endpoint listens no more. */
  closed(endpoint: LinkEndpoint): void;
}

const DEFAULT_MAX_LINKS = 1024;
const DEFAULT_GREETING_TIMEOUT_MS = 5000;
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
/** An inbox as clients of NATS name them: it is answered there, so it may be nothing of NATS or of ours. */
const INBOX = /^(?!\$|iolite\.)[\w$-]+(\.[\w$-]+)+$/;

/**
 * Where other machines open links to this one, by a name in the cluster. Each becomes a link, given to the
 * listeners of 'channel' or else to whoever iterates. Use cluster.listen().
 */
export class LinkEndpoint extends EventEmitter<Events> implements AsyncIterable<Link> {
  /** As it was given to cluster.listen(). */
  readonly name: string;
  readonly #host: LinkEndpointHost;
  readonly #maxLinks: number;
  readonly #greetingTimeout: number;
  readonly #links = new Set<Link>();
  /** Links whose peer has not confirmed them, by its inbox, the oldest first. */
  readonly #silent = new Map<string, Link>();
  readonly #inbox = new Inbox<Link>();
  readonly #subscription: { unsubscribe(): void };
  #closed = false;

  /**
   * Use cluster.listen().
   * @internal
   */
  constructor(name: string, options: LinkEndpointOptions, host: LinkEndpointHost) {
    super();
    const { queue = false, maxLinks = DEFAULT_MAX_LINKS } = options;
    const { greetingTimeout = DEFAULT_GREETING_TIMEOUT_MS } = options;
    checkInteger(maxLinks, 'maxLinks', 1, 2 ** 20);
    checkInteger(greetingTimeout, 'greetingTimeout', 1, MAX_TIMEOUT_MS);
    this.name = name;
    this.#host = host;
    this.#maxLinks = maxLinks;
    this.#greetingTimeout = greetingTimeout;
    this.#subscription = host.connection.subscribe(host.trust.subject, {
      ...(queue ? { queue: name } : {}),
      callback: (error, message) => {
        if (error === null) this.#asked(message);
        else this.emit('refused', error);
      },
    });
    // Those that came before somebody listened.
    this.on('newListener', event => event === 'channel' && setImmediate(() => this.#emitReady()));
  }

  /** Whether it takes no more links. */
  get closed(): boolean {
    return this.#closed;
  }

  /** How many links that were opened here are open. */
  get links(): number {
    return this.#links.size;
  }

  /** The links in the order they come, until the endpoint is closed. */
  [Symbol.asyncIterator](): AsyncIterator<Link, undefined> {
    return this.#inbox.iterate();
  }

  /** Ends listening. Links that were given out live on; those that nobody took are closed. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#subscription.unsubscribe();
    for (const link of [...this.#silent.values(), ...this.#inbox.clear()]) link.destroy();
    this.#inbox.end();
    this.#host.closed(this);
    this.emit('close');
  }

  /** For `await using`: see {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Somebody asks for a link. */
  #asked(message: Msg): void {
    const { inbox } = senderOf(message);
    if (this.#closed || inbox === undefined || !INBOX.test(inbox) || this.#silent.has(inbox)) return;
    try {
      const asker = { inbox, greeting: greetingIn(message) };
      checkAsk(this.#host.trust, asker);
      if (this.#hasRoom()) return this.#open(asker);
      throw new IoliteError('ERR_IOLITE_LIMIT', `${this.#maxLinks} links are open, which is the most`);
    } catch (error) {
      this.emit('refused', error as Error);
      const writer = new FrameWriter();
      writeReason(writer, FrameType.CUT, [], error);
      this.#host.connection.publish(`${inbox}.m`, writer.take(), { reply: `${this.#host.newInbox()}.0` });
    }
  }

  /** Whether one more link may be opened, at the cost of one that was never confirmed if need be. */
  #hasRoom(): boolean {
    if (this.#links.size < this.#maxLinks) return true;
    for (const oldest of this.#silent.values()) {
      oldest.destroy();
      return true;
    }
    return false;
  }

  #open(asker: LinkSide): void {
    const { inbox } = asker;
    const link = this.#host.accept(asker);
    const timer = setTimeout(() => link.destroy(), this.#greetingTimeout).unref();
    this.#links.add(link);
    this.#silent.set(inbox, link);
    link.once('close', () => {
      this.#links.delete(link);
      this.#silent.delete(inbox);
    });
    const settled = (): void => {
      clearTimeout(timer);
      this.#silent.delete(inbox);
    };
    link.ready().then(
      () => {
        settled();
        this.#give(link);
      },
      error => {
        settled();
        this.emit('refused', error);
      },
    );
  }

  #give(link: Link): void {
    if (this.#closed) return link.destroy();
    if (this.listenerCount('channel') > 0) this.emit('channel', link);
    else this.#inbox.push(link);
  }

  #emitReady(): void {
    if (this.listenerCount('channel') === 0) return;
    for (const link of this.#inbox.clear()) this.emit('channel', link);
  }
}

/** The greeting that is all of a message. @throws ERR_IOLITE_PROTOCOL */
function greetingIn({ data }: Msg): LinkGreeting {
  let greeting: LinkGreeting | undefined;
  new FrameReader().push(Buffer.from(data.buffer, data.byteOffset, data.length), frame => {
    greeting ??= readLinkGreeting(frame);
  });
  if (greeting === undefined) throw protocolError('it did not greet');
  return greeting;
}
