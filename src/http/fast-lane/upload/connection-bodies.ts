import { type Aimable, BodyIntake } from './body-intake.ts';
import type { LaneUpload, UploadHost } from './lane-upload.ts';
import type { UploadRooms } from './upload-rooms.ts';

const NOTHING = Buffer.alloc(0);

/** The request whose body comes, while its answer is waited for. */
interface BodyExchange {
  /** Takes the bytes behind its head, that came with it. */
  takeRest(): Buffer;
  sayContinue(): void;
}

/** A connection whose requests have bodies. */
export interface BodiesHost {
  readonly link: Aimable & { resume(): void };
  /** Counts seconds. */
  readonly clock: number;
  readonly clientEnded: boolean;
  readonly isOver: boolean;
  /** Bytes behind those that came with the request. */
  waiting: Buffer | undefined;
  /** The body of its request is none. */
  malformed(): void;
}

/** The bodies of a connection's requests, one after the other. */
export class ConnectionBodies implements UploadHost {
  readonly intake: BodyIntake;
  readonly #host: BodiesHost;
  #current: LaneUpload | undefined;
  #exchange: BodyExchange | undefined;

  constructor(host: BodiesHost, rooms: UploadRooms) {
    this.#host = host;
    this.intake = new BodyIntake(host.link, rooms);
  }

  /** The body that comes, until its end was found. */
  get current(): LaneUpload | undefined {
    if (this.#current?.isOver === true) this.#current = undefined;
    return this.#current;
  }

  /** A request is to be asked about. */
  begin(upload: LaneUpload, exchange: BodyExchange): void {
    this.#current = upload;
    this.#exchange = exchange;
  }

  /** Its body is for somebody else. */
  leave(): void {
    this.#current = undefined;
    this.#exchange = undefined;
  }

  /**
   * Bytes came.
   * @param isOwn whether they lie in a room of the {@link intake}, and go with it
   * @returns how many are the body's that is read; -1 if they are none of it; undefined if none is read
   */
  take(bytes: Buffer, isOwn: boolean): number | undefined {
    const { current } = this;
    return current?.isComing === true ? current.came(bytes, isOwn && this.intake.isAimed) : undefined;
  }

  /**
   * Drops what of some bytes belongs to a body that nobody wants, or not any more.
   * @returns how many that are; -1 if they are none of it, or it is too long to be read for nothing
   */
  drop(bytes: Buffer): number {
    const { current } = this;
    if (current === undefined) return 0;
    current.drop();
    const used = current.skip(bytes);
    return current.isTooLong ? -1 : used;
  }

  /** The connection is over, and reads nothing any more. */
  close(): void {
    this.#current?.drop();
    this.intake.close();
  }

  // For the body

  get clock(): number {
    return this.#host.clock;
  }

  get clientEnded(): boolean {
    return this.#host.clientEnded;
  }

  takeUnread(): Buffer {
    const host = this.#host;
    const rest = this.#exchange?.takeRest() ?? NOTHING;
    const later = host.waiting;
    host.waiting = undefined;
    return later === undefined ? rest : Buffer.concat([rest, later]);
  }

  putBack(bytes: Buffer): void {
    if (bytes.length > 0) this.#host.waiting = bytes;
  }

  sayContinue(): void {
    this.#exchange?.sayContinue();
  }

  readOn(): void {
    if (!this.#host.isOver) this.#host.link.resume();
  }

  malformed(): void {
    this.#host.malformed();
  }
}
