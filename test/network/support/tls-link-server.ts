import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { ByteLink, ByteLinkHost } from '../../../src/network/byte-link.ts';
import { TlsRoom } from '../../../src/network/tls/cipher-ring.ts';
import { SecureContext } from '../../../src/network/tls/secure-context.ts';
import type { SecureSettings } from '../../../src/network/tls/secure-settings.ts';
import type { TlsGreeter, TlsHouse } from '../../../src/network/tls/tls-house.ts';
import { TlsLink } from '../../../src/network/tls/tls-link.ts';
import { interceptConnections } from '../../../src/os/node-socket.ts';
import { watchdog } from '../../support/watchdog.ts';

/** Sends back what comes, and ends when the peer does. */
class Echo implements ByteLinkHost {
  readonly link: ByteLink;
  readonly #waiting: Buffer[] = [];
  #peerEnded = false;

  constructor(link: ByteLink) {
    this.link = link;
  }

  received(bytes: Buffer): boolean {
    if (this.link.hasUnsent) this.#waiting.push(Buffer.from(bytes));
    else this.link.send([bytes]);
    return !this.link.hasUnsent;
  }

  drained(): void {
    while (!this.link.hasUnsent && this.#waiting.length > 0)
      this.link.send([this.#waiting.shift() as Buffer]);
    if (this.link.hasUnsent) return;
    if (this.#peerEnded) this.ended();
    else this.link.resume();
  }

  ended(): void {
    this.#peerEnded = true;
    if (this.link.hasUnsent) return;
    this.link.end();
    this.link.close();
  }

  lost(): void {}
}

/** A server whose connections are links with TLS on them. */
export class TlsLinkServer implements TlsHouse {
  readonly room = new TlsRoom(Buffer.from(new ArrayBuffer(64 * 1024)));
  context: SecureContext;
  /** The sockets that it makes only write. */
  readonly server: Server = createServer({ noDelay: true, pauseOnConnect: true });
  readonly links: TlsLink[] = [];
  secured = 0;
  failed = 0;
  #made: Socket | undefined;
  readonly #host: (link: TlsLink) => ByteLinkHost;

  constructor(
    settings: SecureSettings,
    host: (link: TlsLink) => ByteLinkHost = link => new Echo(link),
    protocols: readonly string[] = ['h2', 'http/1.1'],
  ) {
    this.context = new SecureContext(settings, protocols);
    this.#host = host;
    this.server.on('connection', socket => {
      this.#made = socket;
    });
    interceptConnections(this.server, bare => {
      const greeter: TlsGreeter = {
        secured: () => {
          this.secured += 1;
          return this.#host(link);
        },
        unsecured: () => {
          link.close();
          this.failed += 1;
          return false;
        },
        failed: () => {
          this.failed += 1;
          link.close();
        },
      };
      const link = new TlsLink(this, bare, greeter);
      this.links.push(link);
      link.start();
      return true;
    });
  }

  socketBy(make: () => boolean): Socket | undefined {
    this.#made = undefined;
    make();
    return this.#made;
  }

  /** Connections that are not closed. */
  get open(): number {
    return this.links.filter(link => !link.isClosed).length;
  }

  async port(): Promise<number> {
    if (!this.server.listening) {
      this.server.listen(0, '127.0.0.1');
      await once(this.server, 'listening');
    }
    return (this.server.address() as { port: number }).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of this.links) link.close();
    this.context.close();
    if (!this.server.listening) return;
    await watchdog(new Promise(resolve => this.server.close(resolve)), 'the server to close');
  }
}
