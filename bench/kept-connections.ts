import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** How many are opened at a time. */
const BATCH_CONNECTIONS = 100;

/** Connections that have had an answer each, and wait. */
export class KeptConnections implements Disposable {
  readonly #sockets: Socket[] = [];

  /**
   * @param path of a file @param bytes of it, without the answer's head
   * @throws Error when one ends before its answer
   */
  async open(count: number, port: number, path: string, bytes: number): Promise<void> {
    for (let left = count; left > 0; left -= BATCH_CONNECTIONS) {
      const batch = Array.from({ length: Math.min(left, BATCH_CONNECTIONS) }, () =>
        this.#ask(port, path, bytes),
      );
      await Promise.all(batch);
    }
  }

  /** How many there are still. */
  get count(): number {
    return this.#sockets.filter(({ readyState }) => readyState === 'open').length;
  }

  async #ask(port: number, path: string, bytes: number): Promise<void> {
    const socket = connect(port, '127.0.0.1');
    this.#sockets.push(socket);
    await once(socket, 'connect');
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    const { promise, resolve, reject } = settler();
    const read: Buffer[] = [];
    socket.on('data', (data: Buffer) => {
      read.push(data);
      const all = Buffer.concat(read);
      const end = all.indexOf('\r\n\r\n');
      if (end !== -1 && all.length >= end + 4 + bytes) resolve();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('A connection ended before its answer')));
    await promise;
    read.length = 0;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets.splice(0)) socket.destroy();
  }
}

function settler() {
  let [resolve, reject] = [(): void => {}, (_: Error): void => {}];
  const promise = new Promise<void>((yes, no) => {
    [resolve, reject] = [yes, no];
  });
  return { promise, resolve, reject };
}
