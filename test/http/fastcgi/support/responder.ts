import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { RecordType, recordHead } from '../../../../src/http/fastcgi/record.ts';

/** A record with a text or bytes. */
export function record(type: number, content: string | Buffer = '', id?: number): Buffer {
  const bytes = Buffer.from(content as string, 'latin1');
  return Buffer.concat([recordHead(type, bytes.length, id), bytes]);
}

export const END = record(RecordType.END_REQUEST, Buffer.alloc(8));

/** A FastCGI responder that does as a test says, with each connection that a request has come on. */
export class Responder implements AsyncDisposable {
  readonly sockets = new Set<Socket>();
  /** All that came, by connection. */
  readonly received: Buffer[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param answer called with what has come each time that the records of a request are complete */
  static async start(answer: (socket: Socket, request: Buffer) => void): Promise<Responder> {
    const responder: Responder = new Responder(
      createServer(socket => {
        responder.sockets.add(socket);
        let request = Buffer.alloc(0);
        socket
          .on('error', () => {})
          .on('data', bytes => {
            responder.received.push(bytes);
            request = Buffer.concat([request, bytes]);
            // The end of a body, of one that is empty.
            if (!request.subarray(-8).equals(recordHead(RecordType.STDIN, 0))) return;
            const whole = request;
            request = Buffer.alloc(0);
            answer(socket, whole);
          });
      }),
    );
    responder.#server.listen(0, '127.0.0.1');
    await once(responder.#server, 'listening');
    return responder;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
