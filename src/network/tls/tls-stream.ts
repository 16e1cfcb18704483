import { Duplex } from 'node:stream';
import { type ByteLinkHost, SEND_STEP_BYTES } from '../byte-link.ts';
import { closedEarly } from '../send-errors.ts';
import type { TlsLink } from './tls-link.ts';

type WriteCallback = (error?: Error | null) => void;

/**
 * A connection of TLS as a stream, which looks like a TLSSocket of Node's as far as servers of HTTP ask: for
 * what none of ours reads. It reads what was not read before it was made.
 */
export class TlsStream extends Duplex implements ByteLinkHost {
  readonly encrypted = true;
  /** Client certificates are not asked for. */
  readonly authorized = false;
  /** As Node has it: false where the client has asked for none. */
  readonly alpnProtocol: string | false;
  readonly servername: string | false;
  bytesRead = 0;
  bytesWritten = 0;
  timeout: number | undefined;
  readonly #link: TlsLink;
  readonly #remoteAddress: string | undefined;
  #left: Buffer[] = [];
  #written: WriteCallback | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param link becomes this stream's */
  constructor(link: TlsLink) {
    super({ allowHalfOpen: true });
    this.#link = link;
    this.#remoteAddress = link.remoteAddress;
    this.alpnProtocol = link.protocol ?? false;
    this.servername = link.serverName ?? false;
    link.pause();
    link.giveTo(this);
  }

  get remoteAddress(): string | undefined {
    return this.#remoteAddress;
  }

  get connecting(): boolean {
    return false;
  }

  /** As a socket's: emits 'timeout' when nothing has moved for so many milliseconds; 0 for never. */
  setTimeout(milliseconds: number, listener?: () => void): this {
    this.timeout = milliseconds;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (milliseconds > 0 && !this.destroyed) {
      this.#timer = setTimeout(() => this.emit('timeout'), milliseconds).unref();
      if (listener !== undefined) this.once('timeout', listener);
    } else if (listener !== undefined) this.off('timeout', listener);
    return this;
  }

  /** Set when it was accepted. */
  setNoDelay(): this {
    return this;
  }

  /** Set when it was accepted. */
  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  /** Closes it when all was written. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  // For Duplex

  override _read(): void {
    this.#link.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: WriteCallback): void {
    this.#write([chunk], callback);
  }

  override _writev(
    chunks: readonly { readonly chunk: Buffer; readonly encoding: BufferEncoding }[],
    callback: WriteCallback,
  ): void {
    this.#write(
      chunks.map(({ chunk }) => chunk),
      callback,
    );
  }

  override _final(callback: WriteCallback): void {
    this.#link.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    const written = this.#written;
    this.#written = undefined;
    this.#left = [];
    this.#link.close();
    written?.(error ?? closedEarly());
    callback(error);
  }

  // For the link

  received(bytes: Buffer): boolean {
    this.bytesRead += bytes.length;
    this.#moved();
    // The memory is read into again.
    return this.push(Buffer.from(bytes));
  }

  ended(): void {
    this.push(null);
  }

  drained(): void {
    this.#moved();
    this.#go();
  }

  lost(): void {
    this.destroy();
  }

  #write(chunks: Buffer[], callback: WriteCallback): void {
    this.#left = chunks;
    this.#written = callback;
    if (!this.#link.hasUnsent) this.#go();
  }

  /** Encrypts what was written, a step at a time, as far as the kernel takes it. */
  #go(): void {
    while (this.#left.length > 0) {
      const step: Buffer[] = [];
      for (let room = SEND_STEP_BYTES; room > 0 && this.#left.length > 0; ) {
        const chunk = this.#left[0] as Buffer;
        const part = chunk.subarray(0, room);
        step.push(part);
        room -= part.length;
        if (part.length === chunk.length) this.#left.shift();
        else this.#left[0] = chunk.subarray(part.length);
      }
      if (this.#link.isClosed) return;
      this.bytesWritten += step.reduce((sum, { length }) => sum + length, 0);
      this.#moved();
      if (!this.#link.send(step)) return;
    }
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }

  #moved(): void {
    this.#timer?.refresh();
  }
}
