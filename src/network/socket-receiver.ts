import { Socket } from 'node:net';
import type { Aggregate } from '../aggregate/aggregate.ts';
import type { Pool } from '../aggregate/pool.ts';
import { ReceiveRoom } from '../aggregate/receive-room.ts';
import { IoliteError } from '../base/error.ts';
import { duplicateDescriptor } from '../os/descriptor.ts';
import { descriptorOf, startReading, stopReading } from '../os/node-socket.ts';

/**
 * Reads a socket into buffers of a pool. Node lets choose where bytes are put only when a socket is made
 * (`onread`). So a second socket is made, over another descriptor of the same connection: it reads, the one
 * that we were given goes on writing.
 */
export class SocketReceiver {
  readonly #socket: Socket;
  readonly #reader: Socket;
  readonly #receiveRoom: ReceiveRoom;
  /** Read, and not asked for yet. */
  readonly #parts: Aggregate[] = [];
  #over = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  /** @throws SystemError: EMFILE; ERR_IOLITE_CLOSED; what ChunkPool.reserve throws */
  constructor(socket: Socket, pool: Pool) {
    this.#socket = socket;
    this.#receiveRoom = new ReceiveRoom(pool.chunks);
    this.#receiveRoom.room(); // To throw from here what it throws.
    const fd = duplicateDescriptor(descriptorOf(socket));
    stopReading(socket);
    const early = socket.read() as Buffer | null;
    if (early !== null) this.#parts.push(pool.from(early));
    const options = {
      fd,
      readable: true,
      writable: false,
      onread: { buffer: () => this.#room(), callback: (count: number) => this.#arrived(count) },
    };
    this.#reader = new Socket(options);
    this.#reader.on('end', () => this.#end());
    this.#reader.on('error', error => this.#end(error));
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  /** The next part; undefined at the end. @throws what the socket failed with */
  async next(): Promise<Aggregate | undefined> {
    while (this.#parts.length === 0 && !this.#over) {
      await new Promise<void>(resolve => {
        this.#wake = resolve;
        this.#reader.resume();
      });
    }
    const part = this.#parts.shift();
    if (part === undefined && this.#failure !== undefined) throw this.#failure;
    return part;
  }

  /** Ends the reading. The socket sees its end by itself where it was reached, and is destroyed otherwise. */
  close(): void {
    const isWhole = this.#over && this.#failure === undefined && this.#parts.length === 0;
    this.#over = true;
    this.#socket.off('error', this.#onError);
    this.#socket.off('close', this.#onClose);
    for (const part of this.#parts.splice(0)) part.release();
    // The memory may be written until the handle is closed.
    if (this.#reader.closed) this.#receiveRoom.close();
    else this.#reader.once('close', () => this.#receiveRoom.close());
    this.#reader.destroy();
    if (isWhole) startReading(this.#socket);
    else this.#socket.destroy();
  }

  /** Node asks for it after each read. Whatever comes when there is none any more is for nobody. */
  #room(): Buffer {
    try {
      if (!this.#over) return this.#receiveRoom.room();
    } catch (error) {
      this.#end(error as Error);
    }
    return Buffer.allocUnsafe(1);
  }

  /** @returns whether to read on */
  #arrived(count: number): boolean {
    if (this.#over) return false;
    this.#parts.push(this.#receiveRoom.take(count));
    const isAwaited = this.#wake !== undefined;
    this.#wake?.();
    this.#wake = undefined;
    return isAwaited;
  }

  #end(failure?: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = failure;
    this.#wake?.();
    this.#wake = undefined;
  }

  readonly #onError = (error: Error): void => this.#end(error);

  readonly #onClose = (): void =>
    this.#end(new IoliteError('ERR_IOLITE_PEER', 'Cannot receive: the socket was destroyed before its end'));
}
