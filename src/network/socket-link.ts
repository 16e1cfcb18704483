import type { Duplex } from 'node:stream';
import type { ByteLink, ByteLinkHost } from './byte-link.ts';

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
    this.remoteAddress = (stream as { remoteAddress?: string }).remoteAddress;
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
    this.#stream.write(Buffer.concat(pieces), this.#onWritten);
    this.#isAwaited = this.hasUnsent;
    return !this.#isAwaited;
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
