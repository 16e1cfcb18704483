import type { Slice } from '../../aggregate/slice.ts';
import type { Reservation } from '../../memory/reservation.ts';
import type { Segment } from './segment.ts';

/** A part of a {@link ContentRoom}: fill it. */
interface Piece {
  readonly bytes: Buffer;
  /** In its chunk. */
  readonly start: number;
}

/** Room for one content, in one piece if it is small. To be committed or cancelled. */
export interface ContentRoom {
  readonly length: number;
  readonly pieces: readonly Piece[];
}

/** A piece, as the segments have it. */
export interface PlacedPiece<T> extends Piece {
  readonly segment: Segment<T>;
  /** With what its alignment cost. */
  readonly taken: number;
  /** In a pool that seals each buffer: its reservation. */
  readonly reservation: Reservation | undefined;
}

/** A room, as the segments have it. */
export interface PlacedRoom<T> extends ContentRoom {
  readonly pieces: readonly PlacedPiece<T>[];
}

/** Fills pieces with what slices have, one behind the other. */
export function copyInto(
  pieces: readonly { readonly bytes: Buffer }[],
  slices: readonly { readonly memory: Buffer }[],
): void {
  let index = 0;
  let at = 0;
  for (const { memory } of slices) {
    for (let from = 0; from < memory.length; ) {
      const { bytes } = pieces[index] as { readonly bytes: Buffer };
      const count = memory.copy(bytes, at, from);
      from += count;
      at += count;
      if (at < bytes.length) continue;
      index += 1;
      at = 0;
    }
  }
}

/** Pieces that are filled already: slices in a segment that holds these alone. */
export function keep<T>(
  slices: readonly Slice[],
  segment: Segment<T> | undefined,
): PlacedPiece<T>[] | undefined {
  return segment === undefined
    ? undefined
    : slices.map(({ memory: bytes, start, length: taken }) => {
        return { segment, start, taken, bytes, reservation: undefined };
      });
}
