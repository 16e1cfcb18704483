import type { Slice } from '../../aggregate/slice.ts';
import { BareLink } from '../../network/bare-link.ts';
import { type PendingSend, SocketSender } from '../../network/socket-sender.ts';
import { type MemoryRuns, sendGathered } from '../../os/gather.ts';
import { descriptorOf, startReading } from '../../os/node-socket.ts';
import { receiveNow, sendAhead, sendNow } from '../../os/socket.ts';
import type { LaneHeir, LaneLink, PacedSend } from './lane-link.ts';
import { sendReferred } from './referred-body.ts';

/** A bare connection of the lane. */
export class BareLaneLink extends BareLink implements LaneLink {
  get secure(): boolean {
    return false;
  }

  receive(buffer: Buffer): number {
    return receiveNow(this.fd, buffer);
  }

  sendBytes(bytes: Buffer, length: number): number {
    return sendNow(this.fd, bytes, length);
  }

  sendPieces(pieces: readonly Buffer[], most: number): number {
    return sendGathered(this.fd, pieces, 0, 0, most);
  }

  sendRuns(runs: MemoryRuns): number {
    return runs.send(this.fd);
  }

  sendReferred(head: Buffer, headLength: number, slice: Slice, most: number): number {
    const sent = sendAhead(this.fd, head, headLength);
    return sent < headLength ? sent : sent + sendReferred(this.fd, slice, most - sent);
  }

  sendRunsAhead(runs: MemoryRuns, count: number, slice: Slice): number {
    const headLength = runs.size - slice.length;
    const sent = runs.sendAhead(this.fd, count);
    return sent < headLength ? sent : sent + sendReferred(this.fd, slice);
  }

  sendAhead(bytes: Buffer): void {
    const sent = this.hasUnsent ? 0 : sendNow(this.fd, bytes);
    if (sent < bytes.length) this.socket()?.write(bytes.subarray(sent));
  }

  pace(rest: PendingSend): PacedSend | undefined {
    const socket = this.socket();
    if (socket === undefined || socket.destroyed) return undefined;
    return new SocketSender(socket, descriptorOf(socket), rest);
  }

  leaveTo(heir: LaneHeir, unread: Buffer): void {
    const socket = this.toSocket();
    if (socket === undefined) return;
    if (unread.length > 0) socket.unshift(unread);
    heir.handOver(socket);
    startReading(socket);
  }
}
