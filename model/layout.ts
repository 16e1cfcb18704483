/**
 * Where the parts of a state lie: a state is a row of bytes, each a small number.
 *
 * Three domains at most: A makes the chunks, and others are given them. What the kernel keeps outlives its
 * domain here as it does there: bytes and headers as long as somebody maps them, descriptors in sockets.
 */

/** A channel goes one way here: the other way only acknowledgements come. */
export interface Route {
  readonly from: number;
  readonly to: number;
}

export interface World {
  readonly domains: number;
  readonly chunks: number;
  readonly routes: readonly Route[];
  /** The last: a chunk that has it is not filled again. */
  readonly generations: number;
  /** Messages of a channel that were sent and of which the sender was not told that they are leased. */
  readonly window: number;
  /**
   * Whose bytes a chunk may hold, as sets of domains (bits): a cache's audiences. Empty: a pool for several
   * groups, where B is of A's own user, and shares chunks with it, and C is another user.
   */
  readonly audiences: readonly number[];
  readonly broken?: Broken | undefined;
}

/** What a mechanism without one of its parts would do. */
export type Broken =
  | 'lease after the check'
  | 'recycling without the lock'
  | 'reference dropped at once'
  | 'no zeroing'
  | 'generation raised after the lock'
  | 'passed memory for another audience'
  | 'locks outlive their holder'
  | 'deaths go unnoticed'
  | 'no generations';

/** Bytes that a domain is about to write, and that are neither the old ones nor the new. */
export const TORN = 0xff;
/** The header's generation is 0 until the first filling. */
export const NONE = 0;

/**
 * Of a domain: whether it lives, and the system calls that it is in the middle of; behind that, of which
 * channel or audience, and of which chunk.
 */
export const ALIVE = 0;
export const DOING = 1;
const DOMAIN_BYTES = 4;

/** Of a chunk: the header, and the bytes of its one buffer, named by the generation that they are of. */
export const GENERATION = 0;
export const BODY = 1;
/** Who may see what lies in the buffer, and behind it: sets of domains. Zeros are for all. */
export const SEEN_BODY = 2;
export const SEEN_REST = 3;
/** What A knows of it: whom it is for, whether it was passed, is never filled again, and is given up. */
export const AUDIENCE = 4;
export const GRANTED = 5;
export const SPENT = 6;
export const DROPPED = 7;
/** Whether A's own description has the write lock. */
export const WRITE_LOCK = 8;
/** Whether A's program has a slice of it; or fills it. */
export const USED = 9;
export const FILLING = 10;
const CHUNK_BYTES = 11;

/** Of a chunk in a domain: a description of its own, the read lock on that, and the generation it leases. */
export const OPEN = 0;
export const LOCKED = 1;
export const LEASED = 2;
/** Whether its program has a slice of it. */
export const TAKEN = 3;
const IMPORT_BYTES = 4;

/** Of a channel: which of its ends are there, and the chunks granted as each end has it (bits). */
export const SENDER_UP = 0;
export const RECEIVER_UP = 1;
export const SENT_GRANTS = 2;
export const KNOWN_GRANTS = 3;
/** Messages that the receiver has leased, and that the sender has not heard of. */
export const ACKNOWLEDGED = 4;
/** Queues, each ended by 0: chunks of descriptors in the socket; frames; the sender's references. */
export const DESCRIPTORS = 5;
export const MAX_DESCRIPTORS = 3;
export const FRAMES = DESCRIPTORS + MAX_DESCRIPTORS;
export const MAX_FRAMES = 6;
export const UNLEASED = FRAMES + 2 * MAX_FRAMES;

export class Layout {
  readonly #chunks: number;
  readonly #imports: number;
  readonly #channels: number;
  readonly #channelBytes: number;
  readonly #world: World;
  readonly bytes: number;
  /** What was found wrong in a step. */
  readonly fault: number;

  constructor(world: World) {
    const { domains, chunks, routes, window } = world;
    this.#world = world;
    this.#chunks = domains * DOMAIN_BYTES;
    this.#imports = this.#chunks + chunks * CHUNK_BYTES;
    this.#channels = this.#imports + domains * chunks * IMPORT_BYTES;
    this.#channelBytes = UNLEASED + window;
    this.fault = this.#channels + routes.length * this.#channelBytes;
    this.bytes = this.fault + 1;
  }

  domain(domain: number): number {
    return domain * DOMAIN_BYTES;
  }

  chunk(chunk: number): number {
    return this.#chunks + chunk * CHUNK_BYTES;
  }

  /** Of a chunk of others in a domain. */
  imported(domain: number, chunk: number): number {
    return this.#imports + (domain * this.#world.chunks + chunk) * IMPORT_BYTES;
  }

  channel(channel: number): number {
    return this.#channels + channel * this.#channelBytes;
  }
}

/** Queues in a state: entries of some bytes, the first of which is not 0. */
export function push(state: Uint8Array, at: number, capacity: number, ...entry: number[]): void {
  for (let i = 0; i < capacity; i++) {
    const place = at + i * entry.length;
    if (state[place] !== 0) continue;
    state.set(entry, place);
    return;
  }
  throw new Error('A queue of the model is too short');
}

export function shift(state: Uint8Array, at: number, capacity: number, width = 1): void {
  state.copyWithin(at, at + width, at + capacity * width);
  state.fill(0, at + (capacity - 1) * width, at + capacity * width);
}

export function lengthOf(state: Uint8Array, at: number, capacity: number, width = 1): number {
  let length = 0;
  while (length < capacity && state[at + length * width] !== 0) length += 1;
  return length;
}
