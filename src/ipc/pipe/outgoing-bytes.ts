import { closeSync, write, writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { IoliteError, systemError } from '../../base/error.ts';
import { type OwnDescription, ownDescription, writingStream } from './own-description.ts';

/** Where bytes go the ordinary way. One write at a time. */
export interface OutgoingBytes {
  readonly isPipe: boolean;
  /**
   * Writes all bytes, which must not change before it has; waits by the event loop where it has to.
   * @throws SystemError: EPIPE, ENOSPC, ...; what it was closed with. A part may have been written then
   */
  write(bytes: Buffer): Promise<void>;
  /** A write that is under way fails with the reason. */
  close(reason?: Error): void;
}

const OPERATION = 'Cannot write output';

/** Opens what is behind a descriptor, which stays the caller's. @throws SystemError: EBADF, EMFILE */
export function outgoingBytes(fd: number): OutgoingBytes {
  const own = ownDescription(fd, 'write', OPERATION);
  return own.kind === 'file' ? new FileOutput(own) : new StreamOutput(own);
}

/** Of a pipe, socket or terminal: written at once while it takes something, by the event loop otherwise. */
class StreamOutput implements OutgoingBytes {
  readonly #own: OwnDescription;
  #stream: Socket | undefined;
  #failure: Error | undefined;

  constructor(own: OwnDescription) {
    this.#own = own;
  }

  get isPipe(): boolean {
    return this.#own.kind === 'pipe';
  }

  async write(bytes: Buffer): Promise<void> {
    let at = 0;
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#own.isNonBlocking) {
      at = this.#writeNow(bytes);
      if (at === bytes.length) return;
    }
    this.#stream ??= this.#open();
    await this.#writeLater(this.#stream, at === 0 ? bytes : bytes.subarray(at));
  }

  close(reason?: Error): void {
    this.#failure ??= reason ?? closedError();
    if (this.#stream === undefined) closeSync(this.#own.fd);
    else this.#stream.destroy(reason);
  }

  /** @returns how many bytes it took */
  #writeNow(bytes: Buffer): number {
    let at = 0;
    try {
      while (at < bytes.length) at += writeSync(this.#own.fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw this.#failed(error);
    }
    return at;
  }

  #open(): Socket {
    const stream = writingStream(this.#own);
    stream.on('error', error => this.#failed(error));
    return stream;
  }

  #writeLater(stream: Socket, bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      stream.write(bytes, error => {
        if (error) reject(this.#failed(error));
        else resolve();
      });
    });
  }

  #failed(error: unknown): Error {
    this.#failure ??= systemError(error, OPERATION);
    return this.#failure;
  }
}

/** Of a file or device, from where the descriptor stands: written in Node's thread pool. */
class FileOutput implements OutgoingBytes {
  readonly isPipe = false;
  readonly #own: OwnDescription;
  #isWriting = false;
  #closed: Error | undefined;

  constructor(own: OwnDescription) {
    this.#own = own;
  }

  async write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      if (this.#closed !== undefined) throw this.#closed;
      at += await this.#writeSome(bytes, at);
    }
  }

  close(reason?: Error): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason ?? closedError();
    if (!this.#isWriting) closeSync(this.#own.fd);
  }

  #writeSome(bytes: Buffer, at: number): Promise<number> {
    this.#isWriting = true;
    return new Promise((resolve, reject) => {
      write(this.#own.fd, bytes, at, bytes.length - at, null, (error, count) => {
        this.#isWriting = false;
        if (this.#closed !== undefined) closeSync(this.#own.fd);
        if (error !== null) reject(systemError(error, OPERATION));
        else resolve(count);
      });
    });
  }
}

function closedError(): IoliteError {
  return new IoliteError('ERR_IOLITE_CLOSED', `${OPERATION}: it was ended`);
}
