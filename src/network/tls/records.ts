import type { MemoryRuns } from '../../os/gather.ts';
import { type Address, addressOf } from '../../os/libc.ts';
import type { TlsSession } from './tls-session.ts';

/** Bytes of a full record (RFC 8446, 5.1). */
const RECORD_BYTES = 16 * 1024;

/** What is too small for a record of its own is put together here. */
const gathered = Buffer.from(new ArrayBuffer(RECORD_BYTES));
let gatheredAddress: Address = 0;

/**
 * Encrypts pieces of memory, one behind the other, in full records: straight from where they lie, but for
 * what is smaller than one.
 * @param first index of the piece to begin with
 * @param offset in that piece
 * @param most bytes
 * @returns how many bytes; -1 when that failed
 */
export function encryptPieces(
  session: TlsSession,
  pieces: readonly Uint8Array[],
  first: number,
  offset: number,
  most: number,
): number {
  if (gatheredAddress === 0) gatheredAddress = Number(addressOf(gathered));
  let done = 0;
  let waiting = 0;
  for (let index = first; index < pieces.length && done < most; index++) {
    const piece = pieces[index] as Uint8Array;
    let at = index === first ? offset : 0;
    const end = Math.min(piece.length, at + most - done);
    while (at < end) {
      const left = end - at;
      if (waiting === 0 && left >= RECORD_BYTES) {
        const isLast = index === pieces.length - 1 || done + left >= most;
        const whole = isLast ? left : left - (left % RECORD_BYTES);
        if (!session.write(Number(addressOf(piece)) + at, whole)) return -1;
        at += whole;
        done += whole;
        continue;
      }
      const count = Math.min(left, RECORD_BYTES - waiting);
      gathered.set(piece.subarray(at, at + count), waiting);
      waiting += count;
      at += count;
      done += count;
      if (waiting < RECORD_BYTES) continue;
      if (!session.write(gatheredAddress, waiting)) return -1;
      waiting = 0;
    }
  }
  return waiting === 0 || session.write(gatheredAddress, waiting) ? done : -1;
}

/**
 * Encrypts what runs of memory begin with, in one record.
 * @returns how many bytes; -1 when that failed
 */
export function encryptFirst(session: TlsSession, runs: MemoryRuns): number {
  if (gatheredAddress === 0) gatheredAddress = Number(addressOf(gathered));
  const count = runs.copyTo(gathered);
  return session.write(gatheredAddress, count) ? count : -1;
}
