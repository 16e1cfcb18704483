import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { watchdog } from '../../../support/watchdog.ts';

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
export const KIND = {
  ...{ data: 0, headers: 1, priority: 2, reset: 3, settings: 4, push: 5, ping: 6, goaway: 7 },
  ...{ windowUpdate: 8, continuation: 9 },
} as const;
export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;
export const WITH_PRIORITY = 0x20;

export interface Frame {
  readonly kind: number;
  readonly flags: number;
  readonly stream: number;
  readonly bytes: Buffer;
}

/** A frame in bytes. */
export function frame(kind: number, flags: number, stream: number, bytes: Buffer | string = ''): Buffer {
  const body = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = kind;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

export function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value, 4 * index);
  });
  return bytes;
}

/** Settings: what and how much, in turn. */
export function settings(...pairs: (readonly [number, number])[]): Buffer {
  const bytes = Buffer.alloc(6 * pairs.length);
  pairs.forEach(([setting, value], index) => {
    bytes.writeUInt16BE(setting, 6 * index);
    bytes.writeUInt32BE(value, 6 * index + 2);
  });
  return frame(KIND.settings, 0, 0, bytes);
}

/** Fields as literals that are not kept and not compressed. */
export function block(...fields: (readonly [string, string])[]): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of fields) {
    parts.push(Buffer.of(0), literal(name), literal(value));
  }
  return Buffer.concat(parts);
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const length: number[] = [0x7f];
  let left = bytes.length - 127;
  for (; left >= 0x80; left >>>= 7) length.push((left & 0x7f) | 0x80);
  length.push(left);
  return Buffer.concat([Buffer.from(length), bytes]);
}

export const GET = block([':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':authority', 'a']);
export const POST = block([':method', 'POST'], [':scheme', 'http'], [':path', '/'], [':authority', 'a']);

/** A request without a body. */
export function get(stream: number, fields: Buffer = GET): Buffer {
  return frame(KIND.headers, END_STREAM | END_HEADERS, stream, fields);
}

/** A client that says what it is told to, byte by byte if wanted, and keeps all frames that come. */
export class RawHttp2 implements Disposable {
  readonly frames: Frame[] = [];
  readonly socket: Socket;
  #bytes = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  #isOver = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', bytes => this.#take(bytes));
    socket.on('end', () => this.#end());
    socket.on('close', () => this.#end());
  }

  /** @param first what it says besides the preface. Default: settings without any */
  static async open(port: number, first: Buffer = settings()): Promise<RawHttp2> {
    const socket = connect(port, '127.0.0.1');
    const client = new RawHttp2(socket);
    await once(socket, 'connect');
    client.send(PREFACE, first);
    return client;
  }

  send(...parts: Buffer[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  /** The first frame of those that are not taken yet that is wanted; undefined once the server has ended. */
  async next(isWanted: (frame: Frame) => boolean, what: string): Promise<Frame | undefined> {
    const wait = async (): Promise<Frame | undefined> => {
      for (;;) {
        const at = this.frames.findIndex(isWanted);
        if (at !== -1) return this.frames.splice(at, 1)[0];
        if (this.#isOver) return undefined;
        await new Promise<void>(resolve => {
          this.#wake = resolve;
        });
      }
    };
    return watchdog(wait(), what);
  }

  /** Waits for the answer to a ping, by which all that was sent before has been dealt with. */
  async settle(): Promise<boolean> {
    this.send(frame(KIND.ping, 0, 0, 'settling'));
    const isPong = ({ kind, flags, bytes }: Frame): boolean =>
      kind === KIND.ping && (flags & ACK) !== 0 && bytes.equals(Buffer.from('settling'));
    return (await this.next(isPong, 'the answer to a ping')) !== undefined;
  }

  /** Waits for the end of the server's side. */
  async ended(): Promise<void> {
    await this.next(() => false, 'the end of the connection');
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #take(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (;;) {
      if (this.#bytes.length < 9) break;
      const length = this.#bytes.readUIntBE(0, 3);
      if (this.#bytes.length < 9 + length) break;
      const stream = this.#bytes.readUInt32BE(5) & 0x7fff_ffff;
      const body = this.#bytes.subarray(9, 9 + length);
      this.frames.push({ kind: this.#bytes[3] ?? 0, flags: this.#bytes[4] ?? 0, stream, bytes: body });
      this.#bytes = this.#bytes.subarray(9 + length);
    }
    this.#wake?.();
  }

  #end(): void {
    this.#isOver = true;
    this.#wake?.();
  }
}
