import type { Chunk } from '../../memory/chunk.ts';
import { SharedChunk } from '../../memory/shared-chunk.ts';
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

/** What a chunk of a cache is: takes more contents, has all that it takes, or was left and is held still. */
type ChunkState = 'open' | 'shut' | 'leased';

/** A chunk of a cache, for who looks. Bytes, but for the inode and the count. */
export interface ChunkView {
  readonly state: ChunkState;
  /** Names its memory to the kernel; 0 on the heap of this process. */
  readonly inode: number;
  /** With its header. */
  readonly size: number;
  readonly live: number;
  readonly filling: number;
  readonly dead: number;
  readonly room: number;
  /** How many contents have bytes here. */
  readonly contents: number;
}

/** The kernel is asked once for each: a chunk keeps its inode. */
const inodes = new WeakMap<Chunk, number>();

/** What names the memory of a chunk to the kernel; 0 on the heap of this process. */
export function inodeOf(chunk: Chunk): number {
  let inode = inodes.get(chunk);
  if (inode === undefined) {
    inode = chunk instanceof SharedChunk ? chunk.inode : 0;
    inodes.set(chunk, inode);
  }
  return inode;
}

/** @param left chunks that the cache has left and others hold */
export function viewsOf(segments: Iterable<Segment<unknown>>, left: Iterable<Chunk>): ChunkView[] {
  const views = Array.from(segments, (segment): ChunkView => {
    const { size, live, filling, dead, room, tenantCount: contents } = segment;
    const state = segment.open ? 'open' : 'shut';
    return { state, inode: inodeOf(segment.lease.chunk), size, live, filling, dead, room, contents };
  });
  const none = { live: 0, filling: 0, dead: 0, room: 0, contents: 0 };
  const retired = Array.from(
    left,
    (chunk): ChunkView => ({ state: 'leased', inode: inodeOf(chunk), size: chunk.size, ...none }),
  );
  return [...views, ...retired];
}
