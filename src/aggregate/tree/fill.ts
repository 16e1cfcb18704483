import type { ChunkPool } from '../../memory/chunk-pool.ts';
import type { Reservation } from '../../memory/reservation.ts';
import { Slice } from '../slice.ts';

/** Bytes to be put into new buffers: a string in an encoding, or bytes of the caller's. */
export type CopySource = { readonly text: string; readonly encoding: BufferEncoding } | Buffer;

/** Most bytes that the source can come to. */
export function roomFor(source: CopySource): number {
  return 'text' in source ? Buffer.byteLength(source.text, source.encoding) : source.length;
}

/** Writes the source to `room`. @returns how many bytes it came to: malformed hex or base64 comes to fewer */
export function fillRoom(room: Buffer, source: CopySource): number {
  return 'text' in source ? room.write(source.text, source.encoding) : source.copy(room);
}

/**
 * Copies a source into a buffer of its own in the pool.
 * @returns its slice, whose reference is the caller's; undefined when there is nothing to hold
 * @throws ERR_IOLITE_LIMIT, ERR_IOLITE_CLOSED and what the kernel said, as ChunkPool.reserve
 */
export function copyToPool(pool: ChunkPool, source: CopySource): Slice | undefined {
  const size = roomFor(source);
  if (size === 0) return undefined;
  const reservation = pool.reserve(size, true);
  let length = 0;
  try {
    length = fillRoom(reservation.bytes, source);
  } finally {
    if (length === 0) pool.cancel(reservation);
  }
  return length === 0 ? undefined : commit(pool, reservation, length);
}

/** Makes the first `length` bytes of a reservation a slice, whose reference is the caller's. */
export function commit(pool: ChunkPool, reservation: Reservation, length: number): Slice | undefined {
  if (length === 0) {
    pool.cancel(reservation);
    return undefined;
  }
  const lease = pool.commit(reservation, length);
  lease.note(length);
  return new Slice(lease, reservation.offset, reservation.offset + length);
}
