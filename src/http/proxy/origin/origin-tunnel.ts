import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ignore } from '../../../base/ignore.ts';
import type { Tunnel } from '../../message/exchange.ts';

/** For what is under way between two that were told of the end. */
const ENDING_MS = 2000;
/** After which the kernel asks whether a peer is still there, of which nothing comes. */
const KEEP_ALIVE_MS = 60_000;

/**
 * What a client and an origin say to each other when their connection has gone over to another protocol: each
 * gets what the other sends, at its own pace, and is told when the other has ended its side.
 */
export class OriginTunnel implements Tunnel {
  readonly protocol: string;
  readonly #origin: Duplex;

  /** @param origin the connection, which is the tunnel's from here on */
  constructor(origin: Duplex, protocol: string) {
    this.#origin = origin;
    this.protocol = protocol;
    origin.on('error', ignore);
  }

  open(client: Duplex): { end(): void } {
    const origin = this.#origin;
    client.on('error', ignore);
    for (const [one, other] of [
      [client, origin],
      [origin, client],
    ] as const) {
      keepAlive(one);
      one.pipe(other);
      one.once('close', () => leave(one, other));
    }
    return { end: () => this.#end(client) };
  }

  abandon(): void {
    this.#origin.destroy();
  }

  /** The origin is told that nothing more comes; what it has to say to that still gets through. */
  #end(client: Duplex): void {
    const origin = this.#origin;
    client.unpipe(origin);
    client.resume();
    origin.end();
    setTimeout(() => {
      origin.destroy();
      client.destroy();
    }, ENDING_MS).unref();
  }
}

/** One has closed its connection: the other gets what is on its way, if that was in good order. */
function leave(one: Duplex, other: Duplex): void {
  if (!one.readableEnded || !one.writableFinished) other.destroy();
  else if (!other.writableEnded) other.end();
}

function keepAlive(stream: Duplex): void {
  (stream as Partial<Socket>).setTimeout?.(0);
  (stream as Partial<Socket>).setKeepAlive?.(true, KEEP_ALIVE_MS);
}
