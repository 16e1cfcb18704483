import type { LinkHost } from '../../network/bare-link.ts';
import type { ByteLinkHost } from '../../network/byte-link.ts';
import { SEND_STEP_BYTES } from '../../network/byte-link.ts';
import type { PendingSend } from '../../network/socket-sender.ts';
import type { TlsLink } from '../../network/tls/tls-link.ts';
import { TlsSender } from '../../network/tls/tls-sender.ts';
import { TlsStream } from '../../network/tls/tls-stream.ts';
import type { MemoryRuns } from '../../os/gather.ts';
import { addressOf } from '../../os/libc.ts';
import type { LaneHeir, LaneLink, PacedSend } from './lane-link.ts';

/** A connection of the lane with TLS on it, which decrypts into the lane's buffer. */
export class SecureLaneLink implements LaneLink, ByteLinkHost {
  readonly #link: TlsLink;
  readonly #host: LinkHost;
  #sender: TlsSender | undefined;

  constructor(link: TlsLink, host: LinkHost) {
    this.#link = link;
    this.#host = host;
  }

  get secure(): boolean {
    return true;
  }

  get remoteAddress(): string | undefined {
    return this.#link.remoteAddress;
  }

  get isBroken(): boolean {
    return this.#link.isClosed || this.#link.isBroken;
  }

  get hasUnsent(): boolean {
    return this.#link.hasUnsent;
  }

  /** All that is there comes to {@link received} by itself. */
  receive(): number {
    return 0;
  }

  /** It does so from its handshake on. */
  keep(): void {}

  /** As {@link keep}. */
  share(): void {}

  resume(): void {
    this.#link.resume();
  }

  pause(): void {
    this.#link.pause();
  }

  relax(): void {
    this.#link.relax();
  }

  end(): void {
    this.#link.end();
  }

  closeSoon(): boolean {
    return this.#link.closeSoon();
  }

  close(): void {
    this.#link.close();
    this.#sender?.lost();
  }

  leaveTo(heir: LaneHeir, unread: Buffer): void {
    const stream = new TlsStream(this.#link);
    if (unread.length > 0) stream.unshift(unread);
    heir.handOver(stream);
  }

  sendBytes(bytes: Buffer, length: number): number {
    return this.#link.encryptFrom(Number(addressOf(bytes)), length) ? length : 0;
  }

  sendPieces(pieces: readonly Buffer[], most: number): number {
    let sent = 0;
    let piece = 0;
    let offset = 0;
    while (sent < most && piece < pieces.length) {
      const count = this.#link.encrypt(pieces, piece, offset, Math.min(SEND_STEP_BYTES, most - sent));
      if (count === 0) break;
      sent += count;
      if (this.#link.hasUnsent) break;
      for (offset += count; piece < pieces.length; piece++) {
        const { length } = pieces[piece] as Buffer;
        if (offset < length) break;
        offset -= length;
      }
    }
    return sent;
  }

  sendRuns(runs: MemoryRuns): number {
    return this.#link.encryptRuns(runs);
  }

  sendReferred(): undefined {
    return undefined;
  }

  sendRunsAhead(): undefined {
    return undefined;
  }

  sendAhead(bytes: Buffer): void {
    this.#link.send([bytes]);
  }

  pace(rest: PendingSend): PacedSend | undefined {
    if (this.#link.isClosed) return undefined;
    this.#sender = new TlsSender(this.#link, rest);
    return this.#sender;
  }

  // For the link

  received(bytes: Buffer): boolean {
    return this.#host.filled(bytes.length);
  }

  ended(): void {
    this.#host.ended();
  }

  drained(): void {
    this.#sender?.drained();
  }

  lost(): void {
    this.#sender?.lost();
    this.#host.lost();
  }
}
