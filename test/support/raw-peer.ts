import { once } from 'node:events';
import { Socket } from 'node:net';
import { newToken, rendezvousName, type SocketRole } from '../../src/ipc/meet/rendezvous.ts';
import { FrameType, FrameWriter, PROTOCOL_MAGIC, PROTOCOL_VERSION } from '../../src/ipc/wire/frame.ts';
import { connectUnix } from '../../src/os/unix-connect.ts';
import { watchdog } from './watchdog.ts';

/** A connection to an endpoint as a peer makes it that does as it likes. */
export class RawPeer {
  readonly socket: Socket;
  /** What it was sent. */
  readonly received: Buffer[] = [];

  constructor(fd: number) {
    this.socket = new Socket({ fd, readable: true, writable: true });
    this.socket.on('data', bytes => this.received.push(bytes)).on('error', () => {});
  }

  write(...bytes: Uint8Array[]): void {
    for (const each of bytes) this.socket.write(each);
  }

  /** Waits until the other side has ended the connection. */
  async ended(): Promise<void> {
    if (!this.socket.readableEnded && !this.socket.destroyed) {
      await watchdog(once(this.socket, 'close'), 'the connection to be ended');
    }
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** One of a connector's two connections. */
export function dial(path: string, role: SocketRole, token: string): number {
  return connectUnix(path, rendezvousName(role, token)) as number;
}

/** Both connections, as they should be made. @returns our end of the descriptor socket too, to be closed */
export function dialBoth(path: string): { readonly peer: RawPeer; readonly descriptors: number } {
  const token = newToken();
  const descriptors = dial(path, 'd', token);
  return { peer: new RawPeer(dial(path, 'm', token)), descriptors };
}

/** A frame with the given fields of 32 bits. */
export function frame(type: number, fields: readonly number[], flags = 0): Buffer {
  const writer = new FrameWriter();
  const { buffer, at } = writer.frame(type, flags, 4 * fields.length);
  for (const [i, field] of fields.entries()) buffer.writeUInt32LE(field, at + 4 * i);
  return writer.take();
}

export const HELLO = frame(FrameType.HELLO, [PROTOCOL_MAGIC, PROTOCOL_VERSION]);
