import type { Aggregate } from '../../../aggregate/aggregate.ts';
import { ReceiveRoom } from '../../../aggregate/receive-room.ts';
import type { UploadRooms } from './upload-rooms.ts';

/** A connection, as far as bodies are read from it. */
export interface Aimable {
  /** See LaneLink. */
  aim?(buffer: Buffer | undefined): void;
  share(): void;
}

/** A body with less still to come is copied from what all connections share. */
const LEAST_BYTES = 16 * 1024;

/**
 * Where the bodies of a connection's requests are read into: a room of the pool of whoever gets them, so that
 * nothing is copied in this process.
 *
 * libuv may write into the room until the next bytes have come, or the connection is closed: it is kept as
 * long, whatever becomes of the body.
 */
export class BodyIntake {
  readonly #connection: Aimable;
  readonly #rooms: UploadRooms;
  #room: ReceiveRoom | undefined;
  #isResting = false;

  constructor(connection: Aimable, rooms: UploadRooms) {
    this.#connection = connection;
    this.#rooms = rooms;
  }

  /** Whether something other than the shared buffer is read into, or may be. */
  get isOpen(): boolean {
    return this.#room !== undefined;
  }

  /** Whether what comes into the room is the body's that it was opened for. */
  get isAimed(): boolean {
    return this.#room !== undefined && !this.#isResting;
  }

  /**
   * Has what comes read into the room, if there can be one.
   * @param left bytes of the body that are still to come: no byte behind it comes into the room; undefined
   *   where nobody knows
   */
  aim(left = Number.POSITIVE_INFINITY): void {
    // What rests may still be read into, by which nothing else is to be taken.
    if (this.#connection.aim === undefined || this.#isResting || !this.#open(left)) return;
    try {
      const room = (this.#room as ReceiveRoom).room();
      this.#connection.aim(left < room.length ? room.subarray(0, left) : room);
    } catch {
      // The pool is full: whoever copies into it learns why.
      this.rest();
      return;
    }
    this.#connection.share();
  }

  /** Makes the first bytes of the room, which came, an aggregate, which is the caller's. */
  take(count: number): Aggregate {
    return (this.#room as ReceiveRoom).take(count);
  }

  /** Nothing more is to come into the room. */
  rest(): void {
    if (this.#room === undefined) return;
    this.#isResting = true;
    this.#connection.aim?.(undefined);
  }

  /** Bytes came, and nothing is read before the connection is told where to: a room that rests is closed. */
  settle(): void {
    if (this.#isResting) this.close();
  }

  /** Nothing is read any more. */
  close(): void {
    if (this.#room === undefined) return;
    this.#room.close();
    this.#room = undefined;
    this.#isResting = false;
    this.#rooms.giveBack();
  }

  #open(left: number): boolean {
    if (this.#room !== undefined) return true;
    if (left < LEAST_BYTES || !this.#rooms.take()) return false;
    this.#room = new ReceiveRoom(this.#rooms.pool.chunks);
    return true;
  }
}
