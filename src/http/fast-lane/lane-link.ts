import type { Duplex } from 'node:stream';
import type { Slice } from '../../aggregate/slice.ts';
import type { PendingSend } from '../../network/socket-sender.ts';
import type { MemoryRuns } from '../../os/gather.ts';

/** Something that is on its way to a client, who takes it as it can. */
export interface PacedSend {
  /** How many bytes were taken: whether there is progress. */
  readonly taken: number;
  /** Whether the client kept up when it was last waited for; undefined when it was not. */
  readonly keptUp: boolean | undefined;
  start(): void;
}

/** Who gets a connection that the lane does not go on with. */
export interface LaneHeir {
  /** Takes over a socket of Node's, or what stands for one, whose bytes are unread. */
  handOver(connection: Duplex): void;
}

/**
 * A connection as the lane reads and sends on it, bare or with TLS. What comes lies in the lane's buffer,
 * from its first byte on. What is sent is counted in bytes before they are encrypted.
 */
export interface LaneLink {
  /** Whether nobody on the way can read or change what is said. */
  readonly secure: boolean;
  /** Address of the peer. */
  readonly remoteAddress: string | undefined;
  /** Whether it is gone, which the host may not have been told yet. */
  readonly isBroken: boolean;
  /** Whether something that was taken is not yet with the kernel: what is sent goes behind it. */
  readonly hasUnsent: boolean;

  /** Takes what has come and was not read yet. @returns how many bytes; 0 for none */
  receive(buffer: Buffer): number;
  /** It stays: what comes goes to the host, once it is resumed. */
  keep(buffer: Buffer): void;
  /** More requests are to come: reads without a copy. */
  share(): void;
  /**
   * Reads into a buffer of its own from behind the next bytes on; undefined: into the lane's again. Missing
   * where that cannot be.
   */
  aim?(buffer: Buffer | undefined): void;
  resume(): void;
  pause(): void;
  /** Nothing waits for the client any more: gives up what was needed for that. */
  relax(): void;
  /** Ends our side, behind what was sent. */
  end(): void;
  /** Closes it when all was sent. @returns whether it is closed now; otherwise the host is told when */
  closeSoon(): boolean;
  close(): void;
  /** Gives the whole of it to somebody else, with bytes that were not read. It is over for the lane. */
  leaveTo(heir: LaneHeir, unread: Buffer): void;

  /** Sends bytes as far as the kernel takes them now. @returns how many were taken */
  sendBytes(bytes: Buffer, length: number): number;
  /** The same of several pieces, `most` bytes of them. */
  sendPieces(pieces: readonly Buffer[], most: number): number;
  /** The same of memory that is looked up nowhere. */
  sendRuns(runs: MemoryRuns): number;
  /**
   * The same of a head, and of a slice behind it by reference.
   * @returns undefined where there is no such way
   */
  sendReferred(head: Buffer, headLength: number, slice: Slice, most: number): number | undefined;
  /** As {@link sendReferred}, behind the first of some memory; the rest of it is the slice. */
  sendRunsAhead(runs: MemoryRuns, count: number, slice: Slice): number | undefined;
  /** Bytes that go ahead of an answer, which is sent behind them. */
  sendAhead(bytes: Buffer): void;
  /**
   * What sends the rest, as the client takes it. Its parts are taken over.
   * @returns undefined when the connection is gone, or no descriptor is left; the parts are the caller's then
   */
  pace(rest: PendingSend): PacedSend | undefined;
}
