import type { NatsConnection } from '@nats-io/transport-node';
import { ArgumentError, describe } from '../../base/error.ts';
import { ignore } from '../../base/ignore.ts';
import type { ClusterContext } from '../cluster-context.ts';
import { ClusterError } from '../cluster-error.ts';
import { Dial } from './dial.ts';
import type { LinkTrust } from './introduction.ts';
import { Link } from './link.ts';
import { LINK_ENDPOINT_NAMES, LinkEndpoint, type LinkEndpointOptions } from './link-endpoint.ts';
import { type CheckedLinkOptions, checkedLinkOptions, type LinkOptions } from './link-options.ts';
import { Payloads, peerGone } from './payloads.ts';

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** The links of one machine, and where it listens for others. */
export class ClusterLinks {
  readonly #context: ClusterContext;
  readonly #links = new Set<Link>();
  readonly #endpoints = new Set<LinkEndpoint>();
  readonly #status: AsyncIterable<{ readonly type: string }> & { stop?(): void };
  #closed = false;

  constructor(context: ClusterContext) {
    this.#context = context;
    this.#status = context.connection.status();
    this.#watch().catch(ignore);
  }

  /** See Cluster.listen(). */
  async listen(name: string, options: LinkEndpointOptions = {}): Promise<LinkEndpoint> {
    this.#check(name, 'listen');
    const checked = checkedLinkOptions(options, LINK_ENDPOINT_NAMES);
    if (options.queue !== undefined && typeof options.queue !== 'boolean')
      throw new ArgumentError(
        `Cannot listen: true or false is wanted as queue, ${describe(options.queue)} was given`,
      );
    const { connection } = this.#context;
    const endpoint = new LinkEndpoint(name, options, {
      connection,
      trust: this.#trust(name),
      accept: asker => {
        const { link } = this.#make(name, checked, (made, message) => made.received(message));
        link.answer(asker);
        return link;
      },
      newInbox: () => this.#newInbox(),
      closed: closed => this.#endpoints.delete(closed),
    });
    this.#endpoints.add(endpoint);
    try {
      await this.#reach(connection);
    } catch (error) {
      await endpoint.close();
      throw error;
    }
    return endpoint;
  }

  /** See Cluster.connect(). */
  connect(name: string, options: LinkOptions = {}): Link {
    this.#check(name, 'connect');
    const checked = checkedLinkOptions(options);
    let dial: Dial | undefined;
    const { link, payloads } = this.#make(name, checked, (_, message) => dial?.received(message));
    link.once('close', () => dial?.end());
    dial = new Dial(this.#context.connection, this.#trust(name).subject, link, payloads);
    return link;
  }

  /** Ends all links at once, and all listening. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#status.stop?.();
    await Promise.all([...this.#endpoints].map(endpoint => endpoint.close()));
    for (const link of this.#links) link.destroy();
  }

  #trust(name: string): LinkTrust {
    const { options, prefix } = this.#context;
    return { secret: options.secret, subject: `${prefix}.link.${name}` };
  }

  #check(name: unknown, operation: string): void {
    if (this.#closed) throw new ClusterError(`Cannot ${operation}: the cluster is closed`);
    if (typeof name === 'string' && NAME.test(name)) return;
    throw new ArgumentError(
      `Cannot ${operation}: 1 to 64 letters, digits, - and _ are wanted, ${describe(name)} was given`,
    );
  }

  /** A link with an inbox of its own. */
  #make(
    name: string,
    options: CheckedLinkOptions,
    received: (link: Link, message: Parameters<Link['received']>[0]) => void,
  ): { link: Link; payloads: Payloads } {
    const { connection, machine } = this.#context;
    const payloads = new Payloads(connection, this.#newInbox());
    const subscription = connection.subscribe(`${payloads.inbox}.*`, {
      callback: (error, message) => {
        if (error === null) received(link, message);
        else link.lose(peerGone(error.message));
      },
    });
    const link = new Link({
      payloads,
      options,
      machine,
      name,
      trust: this.#trust(name),
      closed: () => {
        this.#links.delete(link);
        if (!connection.isClosed()) subscription.unsubscribe();
      },
    });
    this.#links.add(link);
    return { link, payloads };
  }

  /** With the prefix that the connection may subscribe to. */
  #newInbox(): string {
    const { connection, nats } = this.#context;
    const { inboxPrefix } = (connection as { options?: { inboxPrefix?: string } }).options ?? {};
    return nats.transport.createInbox(inboxPrefix);
  }

  /** Waits until NATS has what was subscribed to. @throws ERR_IOLITE_CLUSTER */
  async #reach(connection: NatsConnection): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const { timeout } = this.#context.options;
    const expired = new Promise<never>((_, reject) => {
      const why = `Cannot listen: NATS did not answer in ${timeout} ms`;
      timer = setTimeout(() => reject(new ClusterError(why, { mayRetry: true })), timeout);
    });
    try {
      await Promise.race([connection.flush(), expired]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** What is on its way when a connection to NATS breaks is lost, and nobody knows what it was. */
  async #watch(): Promise<void> {
    for await (const { type } of this.#status) {
      if (type !== 'disconnect' && type !== 'close') continue;
      for (const link of this.#links) link.lose(peerGone('the connection to NATS broke'));
    }
    for (const link of this.#links) link.lose(peerGone('the connection to NATS was closed'));
  }
}
