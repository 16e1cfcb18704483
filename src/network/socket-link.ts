import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { remoteAddressOf } from '../os/node-socket.ts';
import { type ByteLink, type ByteLinkHost, SEND_STEP_BYTES } from './byte-link.ts';

/** What is copied into memory that is used again, if there are at least so many bytes of it. */
const STEP_BYTES = SEND_STEP_BYTES + 64 * 1024;
const LEAST_STEP_BYTES = 32 * 1024;
const MOST_SPARE = 0x8;
const spare: Buffer[] = [];

/**
 * A link by a stream of Node's, whichever it is: a socket, or one that encrypts. What is sent is copied once,
 * as the stream keeps what it is given until it is written.
 */
export class SocketLink implements ByteLink {
  readonly remoteAddress: string | undefined;
  readonly #stream: Duplex;
  #host: ByteLinkHost | undefined;
  #isOver = false;
  /** Whether the host waits for what it gave to be written. */
  #isAwaited = false;

  /** @param stream taken over; its bytes are unread */
  constructor(stream: Duplex) {
    this.#stream = stream;
    this.remoteAddress = remoteAddressOf(stream as Partial<Socket>);
  }

  get hasUnsent(): boolean {
    return this.#stream.writableLength > 0;
  }

  /** From now on what comes is for a host. Call it once. */
  open(host: ByteLinkHost): void {
    this.#host = host;
    this.#stream.on('data', this.#onData);
    this.#stream.on('end', this.#onEnd);
    this.#stream.on('error', this.#onClose);
    this.#stream.on('close', this.#onClose);
  }

  send(pieces: readonly Uint8Array[]): boolean {
    if (this.#isOver || this.#stream.writableEnded || this.#stream.destroyed) return false;
    let size = 0;
    for (const piece of pieces) size += piece.length;
    if (size < LEAST_STEP_BYTES || size > STEP_BYTES)
      this.#stream.write(Buffer.concat(pieces), this.#onWritten);
    else this.#sendStep(pieces, size);
    this.#isAwaited = this.hasUnsent;
    return !this.#isAwaited;
  }

  /** To have new memory for every step costs more than all else. */
  #sendStep(pieces: readonly Uint8Array[], size: number): void {
    const step = spare.pop() ?? Buffer.allocUnsafeSlow(STEP_BYTES);
    let at = 0;
    for (const piece of pieces) {
      step.set(piece, at);
      at += piece.length;
    }
    this.#stream.write(step.subarray(0, size), error => {
      // Where writing failed, somebody may still look at it.
      if (!error && spare.length < MOST_SPARE) spare.push(step);
      this.#onWritten(error);
    });
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  end(): void {
    this.#stream.end();
  }

  close(): void {
    this.#isOver = true;
    this.#stream.destroy();
  }

  readonly #onData = (bytes: Buffer): void => {
    if (!this.#isOver && this.#host?.received(bytes) === false) this.#stream.pause();
  };

  readonly #onEnd = (): void => {
    if (!this.#isOver) this.#host?.ended();
  };

  readonly #onWritten = (error?: Error | null): void => {
    if (error || this.#isOver || !this.#isAwaited || this.hasUnsent) return;
    this.#isAwaited = false;
    this.#host?.drained();
  };

  readonly #onClose = (): void => {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#host?.lost();
  };
}
