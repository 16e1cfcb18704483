import type { Credentials } from './acl.ts';
import type { Chunk } from './chunk.ts';

/** Another domain that was given descriptors of chunks, as the pool of these chunks sees it. */
export interface ChunkHolder {
  readonly peer: Credentials;
  /** Whether it can be sent more still. */
  readonly isOpen: boolean;
  /** Bytes of a full pool that it may hold past use; undefined: half of the pool's limit. */
  readonly maxHeldBytes: number | undefined;
  /** How many messages it has leased by now, modulo 2^32: it stands still in one that does nothing. */
  readonly leasedCount: number;
  /** Chunks of what it was sent and has not leased: references that are kept here for it. */
  untaken(): Set<Chunk>;
  /** Ends what it is sent through, and lets go of what is kept here for it. */
  cutOff(reason: Error): void;
}
