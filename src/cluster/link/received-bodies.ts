import { Aggregate } from '../../aggregate/aggregate.ts';
import { createPool, type Pool } from '../../aggregate/pool.ts';
import { ReceiveRoom } from '../../aggregate/receive-room.ts';
import type { IncomingStream } from '../../ipc/stream/incoming-stream.ts';
import { protocolError } from '../../ipc/wire/frame.ts';

let ownPool: Pool | undefined;

/** What the peer of a link sends, copied from the messages of NATS to the buffers of a pool, never flat. */
export class ReceivedBodies {
  readonly #pool: Pool;
  readonly #room: ReceiveRoom;

  /** @param pool default: one of all links, for processes of our own user */
  constructor(pool: Pool | undefined) {
    ownPool ??= createPool({ name: 'links' });
    this.#pool = pool ?? ownPool;
    this.#room = new ReceiveRoom(this.#pool.chunks);
  }

  /** A copy, which the caller releases. @throws ERR_IOLITE_LIMIT when the pool is full, ERR_IOLITE_CLOSED */
  copy(bytes: Buffer): Aggregate {
    const copy = new Aggregate(undefined, this.#pool.chunks);
    try {
      for (let at = 0; at < bytes.length; ) {
        const count = bytes.copy(this.#room.room(), 0, at);
        at += count;
        using part = this.#room.take(count);
        copy.append(part);
      }
      return copy;
    } catch (error) {
      copy.release();
      throw error;
    }
  }

  /** No more comes for now: the room that is left is given back. */
  settle(): void {
    this.#room.close();
  }

  /**
   * All of a stream that is a body, which the caller releases. @param length that it was announced with
   * @throws ERR_IOLITE_PROTOCOL when it has another one; what the stream failed with
   */
  async collect(stream: IncomingStream, length: number): Promise<Aggregate> {
    const body = new Aggregate(undefined, this.#pool.chunks);
    try {
      for await (const piece of stream) {
        body.append(piece);
        piece.release();
        if (body.length > length) throw protocolError('a body is longer than it was announced');
      }
      if (body.length < length) throw protocolError('a body is shorter than it was announced');
      return body;
    } catch (error) {
      body.release();
      throw error;
    }
  }
}
