import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { watchdog } from '../../support/watchdog.ts';

/** A connection that sends what it is given, and keeps what comes. */
export class RawClient implements Disposable {
  readonly socket: Socket;
  text = '';
  /** When the peer has ended its side, or the connection is gone. */
  readonly ended: Promise<unknown>;

  constructor(port: number, request: string) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).setEncoding('latin1');
    this.socket.on('error', () => {});
    this.socket.on('data', (text: string) => {
      this.text += text;
    });
    this.ended = Promise.race(['end', 'close'].map(event => once(this.socket, event)));
    this.socket.write(request, 'latin1');
  }

  /** What came up to something that is to come, and is taken off. */
  async until(wanted: RegExp): Promise<string> {
    const seen = async (): Promise<string> => {
      for (;;) {
        const found = wanted.exec(this.text);
        if (found !== null) {
          const taken = this.text.slice(0, found.index + found[0].length);
          this.text = this.text.slice(taken.length);
          return taken;
        }
        await Promise.race([
          once(this.socket, 'data'),
          once(this.socket, 'close').then(() => gone(wanted, this.text)),
        ]);
      }
    };
    return watchdog(seen(), String(wanted));
  }

  /** All that came until the peer has ended its side. */
  async whole(): Promise<string> {
    await watchdog(this.ended, 'the end of a connection');
    return this.text;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

function gone(wanted: RegExp, text: string): never {
  throw new Error(
    `The connection is gone before ${wanted} came, after ${JSON.stringify(text.slice(0, 500))}`,
  );
}
