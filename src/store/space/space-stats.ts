import type { Segment } from './segment.ts';

/** Bytes of the budget by state. They add up to the chunks that are charged to it. */
export interface SpaceStats {
  /** How many pieces of shared memory there are. */
  readonly segments: number;
  /** Content that the cache refers to. */
  readonly live: number;
  /** Content that is being filled. */
  readonly filling: number;
  /** Content that has left the cache, in segments that have other content still. */
  readonly dead: number;
  /** Room for more in segments that are in use. */
  readonly room: number;
  /** Chunks that have left the cache as a whole and that somebody, here or elsewhere, holds still. */
  readonly leased: number;
  /** Bytes of segments that hold no content: what they say of themselves. */
  readonly headers: number;
}

/** Bytes of segments by state. */
export function bytesByState(segments: Iterable<Segment<unknown>>): Omit<SpaceStats, 'segments' | 'leased'> {
  let [live, filling, dead, room, headers] = [0, 0, 0, 0, 0];
  for (const segment of segments) {
    live += segment.live;
    filling += segment.filling;
    dead += segment.dead;
    room += segment.room;
    headers += segment.size - segment.capacity;
  }
  return { live, filling, dead, room, headers };
}
