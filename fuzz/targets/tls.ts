import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { TlsStream } from '../../src/network/tls/tls-stream.ts';
import { TlsLinkServer } from '../../test/network/support/tls-link-server.ts';
import { certificateFor, settingsOf } from '../../test/network/support/tls-settings.ts';
import { Folder } from '../../test/support/folder.ts';
import { Random, seedOf } from '../random.ts';
import type { Target } from '../target.ts';

/** A record: its type, its version, and how long it is (RFC 8446, 5.1). */
function record(type: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of(type, 3, 3, bytes.length >> 8, bytes.length & 0xff), bytes]);
}

/** A TCP connection as a stream that can be spoken past. */
class Line extends Duplex {
  readonly socket: Socket;

  constructor(socket: Socket) {
    super();
    this.socket = socket;
    socket.on('data', bytes => this.push(bytes)).on('end', () => this.push(null));
  }
  override _read(): void {}
  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.socket.write(bytes);
    done();
  }
}

let folder: Folder | undefined;
let server: TlsLinkServer | undefined;
let hello: Buffer = Buffer.alloc(0);

async function started(): Promise<TlsLinkServer> {
  if (server !== undefined) return server;
  folder = new Folder();
  const made = new TlsLinkServer(settingsOf([certificateFor(folder, 'localhost')]), link => {
    const stream = new TlsStream(link);
    stream.on('error', () => {}).pipe(stream);
    return stream;
  });
  hello = await helloOf();
  server = made;
  return made;
}

/** What a client says first. */
async function helloOf(): Promise<Buffer> {
  return await new Promise<Buffer>(resolve => {
    const line = new Duplex({ read: () => {}, write: bytes => resolve(bytes) });
    connectTls({ socket: line, servername: 'localhost', ALPNProtocols: ['h2'] }).on('error', () => {});
  });
}

/**
 * Connections of TLS, by the stream that they are to servers. A case that begins with an even byte comes in
 * place of a client's first words, spoiled ones among them; others behind a handshake.
 */
export const tls: Target = {
  name: 'tls',
  covers: ['network/tls/', 'network/bare-link.'],
  tokens: [
    ...[
      Buffer.of(0x14, 3, 3, 0, 1, 1),
      Buffer.of(0x15, 3, 3, 0, 2, 1, 0),
      Buffer.of(0x15, 3, 3, 0, 2, 2, 40),
    ],
    ...[record(0x16, Buffer.of(0, 0, 0, 0)), record(0x17, Buffer.alloc(40)), record(0x18, Buffer.alloc(3))],
    ...[Buffer.of(0x16, 3, 1), Buffer.of(3, 4), Buffer.alloc(2)],
  ],
  make: random => {
    const records = random.several(3, () =>
      record(random.pick([0x14, 0x15, 0x16, 0x17, 0x18]), random.bytes(random.size(80))),
    );
    const isFirst = random.chance(0.5);
    return Buffer.concat([Buffer.of(isFirst ? 0 : 1), isFirst ? hello : Buffer.alloc(0), ...records]);
  },
  run: async bytes => {
    const own = await started();
    const socket = connect({ port: await own.port(), host: '127.0.0.1', noDelay: true });
    socket.on('error', () => {});
    const closed = new Promise(resolve => socket.once('close', resolve));
    const isHello = ((bytes[0] ?? 0) & 1) === 0;
    if (isHello) socket.resume();
    else await handshake(socket);
    for (const piece of new Random(seedOf(bytes)).cut(bytes.subarray(1)).slice(0, 20)) socket.write(piece);
    socket.end();
    await closed;
    await allClosed(own);
  },
  close: async () => {
    await server?.[Symbol.asyncDispose]();
    folder?.[Symbol.dispose]();
  },
};

async function handshake(socket: Socket): Promise<void> {
  const line = new Line(socket);
  const client: TLSSocket = connectTls({ socket: line, rejectUnauthorized: false, servername: 'localhost' });
  client.on('error', () => {}).resume();
  await new Promise<void>(done => {
    client.once('secureConnect', () => done());
    socket.once('close', () => done());
  });
  client.write('hello');
}

/** Each connection that its client has left comes to its end; what is over is forgotten. */
async function allClosed(one: TlsLinkServer): Promise<void> {
  while (one.open > 0) await new Promise(setImmediate);
  one.links.length = 0;
}
