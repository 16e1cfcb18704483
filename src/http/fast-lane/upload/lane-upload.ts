import type { Aggregate } from '../../../aggregate/aggregate.ts';
import { isOfFullPool } from '../../../aggregate/full-pool.ts';
import {
  type BodyFraming,
  ChunkedFraming,
  holdsAll,
  LengthFraming,
} from '../../message/framing/body-framing.ts';
import { type BodyHost, IncomingBody } from '../../message/incoming-body.ts';
import type { BodyIntake } from './body-intake.ts';
import type { StatedBody } from './stated-body.ts';
import type { UploadRooms } from './upload-rooms.ts';

/** The connection that a body comes on. */
export interface UploadHost {
  /** Counts seconds. */
  readonly clock: number;
  /** Whether the client has ended its side. */
  readonly clientEnded: boolean;
  readonly intake: BodyIntake;
  /** The bytes behind the head that came and were not read; they are the body's now. */
  takeUnread(): Buffer;
  /** Gives back of these what is behind the body. */
  putBack(bytes: Buffer): void;
  /** The client is told to send the body. */
  sayContinue(): void;
  /** More of the body may come. */
  readOn(): void;
  /** What came is no body. */
  malformed(): void;
}

/** A body that nobody wants is read to its end if no more is left than this: so the connection goes on. */
const DROPPED_BYTES = 256 * 1024;

/**
 * The body of a request, while it comes on a connection of the fast lane: whole, with its head; or in pieces,
 * for whoever begins to read it, and no faster than that is read.
 *
 *     waiting -> over      whole(): all of it was there
 *     waiting -> coming    somebody begins to read it
 *     coming  -> over      its end has come
 *     any     -> dropped   nobody reads it any more: {@link drop}
 *     dropped -> over      {@link skip} has found its end
 */
export class LaneUpload implements BodyHost {
  readonly #host: UploadHost;
  readonly #stated: StatedBody;
  readonly #rooms: UploadRooms;
  readonly #framing: BodyFraming;
  readonly #body: IncomingBody;
  #state: 'waiting' | 'coming' | 'dropped' | 'over' = 'waiting';
  /** While the handler is asked: the bytes behind the head, and how many of them the body took. */
  #there: Buffer | undefined;
  #used = 0;
  #hasContinued = false;
  #dropped = 0;
  #began = 0;
  #since = 0;

  constructor(host: UploadHost, stated: StatedBody, rooms: UploadRooms) {
    this.#host = host;
    this.#stated = stated;
    this.#rooms = rooms;
    this.#framing = stated.length === undefined ? new ChunkedFraming() : new LengthFraming(stated.length);
    this.#body = new IncomingBody(this, rooms.pool, stated.length);
  }

  /** For the handler. */
  get body(): IncomingBody {
    return this.#body;
  }

  /** Whether all of it was found: what comes next is another request. */
  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** Whether nothing of it was read. */
  get isWaiting(): boolean {
    return this.#state === 'waiting';
  }

  /** Whether it is being read. */
  get isComing(): boolean {
    return this.#state === 'coming';
  }

  /** Whether more of it may come: its reader keeps up. */
  get wantsMore(): boolean {
    const { isRead, isHeldUp, unread } = this.#body;
    return this.#state === 'coming' && isRead && !isHeldUp && unread < this.#rooms.window;
  }

  /** Whether a connection cannot go on behind an answer that is sent now. */
  get endsConnection(): boolean {
    if (this.isOver) return false;
    if (this.#stated.isExpected && !this.#hasContinued && !this.isComing) return true;
    return !this.#body.isRead && (this.#framing.left ?? 0) > DROPPED_BYTES;
  }

  /**
   * Whether the client is late.
   * @param silence seconds that it may send nothing
   * @param whole seconds for all of it, from when it was wanted
   */
  isLate(silence: number, whole: number): boolean {
    const { clock } = this.#host;
    return this.wantsMore && (clock - this.#since > silence || clock - this.#began > whole);
  }

  /** The handler is about to be asked. @param bytes behind the head; they stay until {@link settle} */
  offer(bytes: Buffer): void {
    this.#there = bytes;
  }

  /** It was asked. @returns how many of these bytes the body took */
  settle(): number {
    this.#there = undefined;
    return this.#used;
  }

  /**
   * Bytes came while it is coming.
   * @param isOwn whether they lie in the room of the intake
   * @returns how many are the body's; -1 if they are none of a body
   */
  came(bytes: Buffer, isOwn: boolean): number {
    if (this.#body.isRead) return this.#take(bytes, isOwn);
    const used = this.skip(bytes);
    if (isOwn && !this.isOver) this.#host.intake.rest();
    return used;
  }

  /** Nobody reads it any more. What waits of it is released. */
  drop(): void {
    if (this.#state === 'over' || this.#state === 'dropped') return;
    this.#leave('dropped');
    this.#body.over();
  }

  /** No more of it comes. @param error what its reader is told; by default that the client broke it off */
  fail(error?: Error): void {
    this.#body.fail(error);
  }

  /**
   * Drops what is the body's of some bytes.
   * @returns how many these are; -1 if they are none of a body
   */
  skip(bytes: Buffer): number {
    const used = this.#framing.take(bytes, undefined);
    this.#dropped += Math.max(0, used);
    if (this.#framing.isOver) this.#leave('over');
    return used;
  }

  /** Whether so much of it was dropped that the rest is not to be read for nothing. */
  get isTooLong(): boolean {
    return this.#dropped > DROPPED_BYTES && !this.isOver;
  }

  // For the body

  wholeBody(): Aggregate | undefined {
    if (!this.isWaiting) return undefined;
    const isNow = this.#there !== undefined;
    const bytes = this.#there ?? this.#host.takeUnread();
    const pieces: Buffer[] = [];
    let used = 0;
    try {
      if (!holdsAll(this.#stated, bytes)) return undefined;
      const runs: number[] = [];
      used = this.#framing.take(bytes, runs);
      this.#state = 'over';
      for (let i = 0; i < runs.length; i += 2) pieces.push(bytes.subarray(runs[i], runs[i + 1]));
      const { pool } = this.#rooms;
      return pieces.length === 1 ? pool.from(pieces[0] as Buffer) : pool.from(pieces);
    } catch (error) {
      if (!isOfFullPool(error)) throw error;
      // It is there, and waits for room: it is to be read.
      for (const piece of pieces) this.#body.push(piece);
      this.#body.end();
      return undefined;
    } finally {
      this.#used = used;
      if (!isNow) this.#host.putBack(bytes.subarray(used));
    }
  }

  bodyWanted(): void {
    if (!this.isWaiting) return;
    this.#state = 'coming';
    this.#rooms.began();
    this.#began = this.#host.clock;
    const isNow = this.#there !== undefined;
    const bytes = this.#there ?? this.#host.takeUnread();
    if (this.#stated.isExpected && bytes.length === 0) {
      this.#hasContinued = true;
      this.#host.sayContinue();
    }
    this.#used = this.#take(bytes, false);
    if (this.#used === -1) this.#host.malformed();
    else if (!isNow) this.#host.putBack(bytes.subarray(this.#used));
    if (!this.isOver && this.#host.clientEnded) this.fail();
    else if (this.wantsMore) this.#host.readOn();
  }

  bodyTaken(): void {
    if (!this.wantsMore) return;
    this.#since = this.#host.clock;
    this.#host.readOn();
  }

  #take(bytes: Buffer, isOwn: boolean): number {
    this.#since = this.#host.clock;
    const { intake } = this.#host;
    const runs: number[] = [];
    const used = this.#framing.take(bytes, runs);
    if (used === -1) return -1;
    if (isOwn) this.#addOwn(runs, used);
    else for (let i = 0; i < runs.length; i += 2) this.#body.push(bytes.subarray(runs[i], runs[i + 1]));
    if (this.#framing.isOver) {
      this.#leave('over');
      this.#body.end();
    } else {
      intake.aim(this.#framing.left);
    }
    return used;
  }

  #addOwn(runs: readonly number[], used: number): void {
    if (used === 0) return;
    const all = this.#host.intake.take(used);
    if (runs.length === 2 && runs[0] === 0 && runs[1] === used) {
      this.#body.add(all);
      return;
    }
    for (let i = 0; i < runs.length; i += 2) this.#body.add(all.slice(runs[i], runs[i + 1]));
    all.release();
  }

  /** It is not coming any more. */
  #leave(next: 'dropped' | 'over'): void {
    if (this.#state === 'coming') {
      this.#rooms.ended();
      this.#host.intake.rest();
    }
    this.#state = next;
  }
}
