import { closeSync, read, readSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Aggregate } from '../../aggregate/aggregate.ts';
import { ReceiveRoom } from '../../aggregate/receive-room.ts';
import { systemError } from '../../base/error.ts';
import type { ChunkPool } from '../../memory/chunk-pool.ts';
import { type OwnDescription, ownDescription, readingStream } from './own-description.ts';

/**
 * The bytes behind a descriptor, which the kernel writes into buffers of a pool. Nothing is read but what was
 * asked for: one block at most waits here.
 */
export interface IncomingBytes {
  readonly isPipe: boolean;
  /** Whether nothing follows, but for what take() gives yet. */
  readonly ended: boolean;
  /**
   * What is there without a wait, for the caller to release; undefined when there is nothing.
   * @throws what reading failed with; what ChunkPool.reserve throws
   */
  take(): Aggregate | undefined;
  /** Has `wake` called, once, when take() is worth a try, or `ended` is true. At once if it is already. */
  listen(wake: () => void): void;
  /** Nothing more is read. Whoever listens is woken. */
  close(): void;
}

const OPERATION = 'Cannot read input';
/** What whoever reads on after the end is given to write to. */
const NO_ROOM = Buffer.alloc(1);

/** Opens what is behind a descriptor, which stays the caller's. @throws SystemError: EBADF, EMFILE */
export function incomingBytes(fd: number, pool: ChunkPool): IncomingBytes {
  const own = ownDescription(fd, 'read', OPERATION);
  return own.kind === 'file' ? new FileBytes(own, pool) : new StreamBytes(own, pool);
}

/** What waits between reading and the program. */
class Arrivals {
  part: Aggregate | undefined;
  ended = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  /** @throws what {@link fail} was told, until the end of time */
  take(): Aggregate | undefined {
    const { part } = this;
    this.part = undefined;
    if (part === undefined && this.#failure !== undefined) throw this.#failure;
    return part;
  }

  /** @returns whether there is something to wait for */
  listen(wake: () => void): boolean {
    if (this.part !== undefined || this.ended) {
      wake();
      return false;
    }
    this.#wake = wake;
    return true;
  }

  came(part: Aggregate): void {
    this.part = part;
    this.notify();
  }

  end(failure?: Error): void {
    this.#failure ??= failure;
    this.ended = true;
    this.notify();
  }

  notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/** Of a pipe, socket or terminal: read at once while there is something, and by the event loop otherwise. */
class StreamBytes implements IncomingBytes {
  readonly #own: OwnDescription;
  readonly #arrivals = new Arrivals();
  /** What the event loop reads has room of its own, which it knows before anything comes. */
  readonly #roomAhead: ReceiveRoom;
  readonly #roomNow: ReceiveRoom;
  #stream: Socket | undefined;
  #closed = false;

  /** Takes the description over. */
  constructor(own: OwnDescription, pool: ChunkPool) {
    this.#own = own;
    this.#roomAhead = new ReceiveRoom(pool);
    this.#roomNow = new ReceiveRoom(pool);
  }

  get isPipe(): boolean {
    return this.#own.kind === 'pipe';
  }

  get ended(): boolean {
    return this.#arrivals.ended;
  }

  take(): Aggregate | undefined {
    const part = this.#arrivals.take();
    if (part !== undefined || this.ended) return part;
    // A stream of Node's makes the description it is given non-blocking.
    return this.#own.isNonBlocking || this.#stream !== undefined ? this.#readNow() : undefined;
  }

  listen(wake: () => void): void {
    if (!this.#arrivals.listen(wake)) return;
    this.#stream ??= this.#open();
    this.#stream.resume();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#arrivals.part?.release();
    this.#arrivals.part = undefined;
    this.#roomNow.close();
    if (this.#stream === undefined) closeSync(this.#own.fd);
    else {
      // The memory may be written until the handle is closed.
      if (this.#stream.closed) this.#roomAhead.close();
      else this.#stream.once('close', () => this.#roomAhead.close());
      this.#stream.destroy();
    }
    this.#arrivals.end();
  }

  #open(): Socket {
    const stream = readingStream(this.#own, {
      buffer: () => this.#nextRoom(),
      callback: count => this.#came(count),
    });
    stream.on('end', () => this.#arrivals.end());
    stream.on('error', error => this.#arrivals.end(systemError(error, OPERATION)));
    return stream;
  }

  /** Node asks for it before it reads, and again after each read. */
  #nextRoom(): Buffer {
    try {
      if (!this.ended) return this.#roomAhead.room();
    } catch (error) {
      this.#arrivals.end(error as Error);
    }
    return NO_ROOM;
  }

  /** @returns whether to read on */
  #came(count: number): boolean {
    if (!this.ended) this.#arrivals.came(this.#roomAhead.take(count));
    return false;
  }

  #readNow(): Aggregate | undefined {
    const room = this.#roomNow.room();
    try {
      const count = readSync(this.#own.fd, room);
      if (count > 0) return this.#roomNow.take(count);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') return undefined;
      // The end of some devices shows like this.
      if (code !== 'EOF') throw systemError(error, OPERATION);
    }
    this.#arrivals.end();
    return undefined;
  }
}

/** Of a file or device, from where the descriptor stands: read in Node's thread pool. */
class FileBytes implements IncomingBytes {
  readonly isPipe = false;
  readonly #own: OwnDescription;
  readonly #arrivals = new Arrivals();
  readonly #room: ReceiveRoom;
  #isReading = false;
  #closed = false;

  constructor(own: OwnDescription, pool: ChunkPool) {
    this.#own = own;
    this.#room = new ReceiveRoom(pool);
  }

  get ended(): boolean {
    return this.#arrivals.ended;
  }

  take(): Aggregate | undefined {
    return this.#arrivals.take();
  }

  listen(wake: () => void): void {
    if (!this.#arrivals.listen(wake) || this.#isReading) return;
    const room = this.#room.room();
    this.#isReading = true;
    read(this.#own.fd, room, 0, room.length, null, (error, count) => {
      this.#isReading = false;
      if (this.#closed) this.#closeNow();
      else if (error !== null && error.code !== 'EOF') this.#arrivals.end(systemError(error, OPERATION));
      else if (error !== null || count === 0) this.#arrivals.end();
      else this.#arrivals.came(this.#room.take(count));
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#arrivals.part?.release();
    this.#arrivals.part = undefined;
    // The kernel may be writing to the room, which must not be another's before that is over.
    if (!this.#isReading) this.#closeNow();
    this.#arrivals.end();
  }

  #closeNow(): void {
    this.#room.close();
    closeSync(this.#own.fd);
  }
}
