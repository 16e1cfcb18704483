import { IoliteError, SystemError } from '../../base/error.ts';
import { invariant } from '../../base/invariant.ts';
import type { Credentials } from '../../memory/acl.ts';
import { type Chunk, type ContentRange, HEADER_BYTES } from '../../memory/chunk.ts';
import {
  type ChunkStatement,
  type ImportedChunk,
  importChunk,
  isOwnUser,
  type OnWrite,
} from '../../memory/imported-chunk.ts';
import type { Lease } from '../../memory/lease.ts';
import { EMFILE } from '../../os/constants.ts';
import { descriptorLimit, discardForeign } from '../../os/descriptor.ts';
import { peekDescriptor, skipDescriptor } from '../../os/socket.ts';
import { MappingPace } from '../flow/mapping-pace.ts';
import {
  checkLength,
  type Frame,
  FrameType,
  type FrameWriter,
  Postponed,
  protocolError,
} from '../wire/frame.ts';
import { type Quotas, quotaExceededError } from '../wire/quotas.ts';
import { MAX_ASKED_RANGES, MAX_NAME_CHARACTERS, writeQuestion } from './questions.ts';

/** What bounds a peer, and what is asked of its memory. See also {@link Quotas}. */
export interface ImportOptions {
  /** What a write into received memory does. Default 'fault'. */
  readonly onWrite: OnWrite;
  /** Accept only chunks that nobody can write any more, their producer included. */
  readonly requireSealed: boolean;
}

/** What the table needs of its channel. */
export interface ImportHost {
  /** Who passes the chunks. */
  readonly peer: Credentials;
  readonly writer: FrameWriter;
  /** Frames were written. */
  wrote(): void;
}

/** Of the descriptors that this process may have, the last ones, for which idle chunks are given back. */
const RESERVE_PART = 1 / 8;
const LEAST_RESERVE_DESCRIPTORS = 8;
/** And the very last ones no peer gets: the program has to open files and to accept connections. */
const KEPT_DESCRIPTORS = 16;
const KEPT_PART = 1 / 64;

/** Descriptors, memory or mappings, and memory for a lock. */
const PASSING = ['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EAGAIN', 'ENOLCK'];

/** The chunks this side of a channel was given by its peer, by the numbers that the peer's messages use. */
export class ImportTable {
  readonly #descriptors: number;
  readonly #options: ImportOptions & Quotas;
  readonly #chunks = new Map<number, ImportedChunk>();
  /** The other way round. */
  readonly #indexOf = new Map<Chunk, number>();
  /** Whether the peer may be asked for facts: it says so. */
  mayAsk = false;
  #mappedBytes = 0;
  /** Chunks that this channel's messages leased and that may be leased still, with what forgets each. */
  readonly #leased = new Map<ImportedChunk, () => void>();
  #leasedBytes = 0;
  readonly #host: ImportHost;
  /** Chunks that we have asked the peer to revoke. */
  readonly #asked = new Set<number>();
  readonly #pace = new MappingPace(performance.now());

  constructor(descriptors: number, options: Partial<ImportOptions>, quotas: Quotas, host: ImportHost) {
    this.#host = host;
    this.#descriptors = descriptors;
    this.#options = { onWrite: 'fault', requireSealed: false, ...options, ...quotas };
  }

  /** Bytes mapped and chunks held on behalf of the peer. */
  get mappedBytes(): number {
    return this.#mappedBytes;
  }

  get chunks(): number {
    return this.#chunks.size;
  }

  /**
   * A GRANT frame: takes the descriptor that was sent before it.
   * @throws ERR_IOLITE_PROTOCOL, ERR_IOLITE_LIMIT; Postponed when this process has no descriptor or memory
   *   left for it, or the peer has so much mapped that it has to wait
   */
  granted(frame: Frame): void {
    checkLength(frame, 32);
    const { body } = frame;
    const index = body.readUInt32LE(0);
    const size = Number(body.readBigUInt64LE(8));
    const received = this.#peek();
    if (received === 'exhausted') throw this.#exhausted();
    if (received === undefined || received === 'ended')
      throw protocolError('a descriptor was announced and is missing');
    if (received === 'malformed') throw protocolError('a descriptor was announced and something else came');
    const { fd, note } = received;
    const problem = this.#problem(index, size, note);
    if (problem !== undefined) {
      discardForeign(fd);
      throw problem;
    }
    if (!this.#pace.take(size, performance.now())) {
      discardForeign(fd);
      throw new Postponed(mappingTooMuchError());
    }
    const id = body.toString('hex', 16, 32);
    const chunk = this.#import(fd, { id, size, sole: (frame.flags & 1) !== 0 });
    chunk.addGrant();
    // Numbers are given from the lowest on.
    const limit = descriptorLimit();
    const { descriptor } = chunk;
    if (descriptor >= limit - Math.min(KEPT_DESCRIPTORS, limit * KEPT_PART)) {
      chunk.removeGrant();
      throw this.#exhausted();
    }
    skipDescriptor(this.#descriptors);
    this.#chunks.set(index, chunk);
    this.#indexOf.set(chunk, index);
    chunk.askers.add(this.#ask);
    chunk.givers.add(this.#host.peer);
    this.#mappedBytes += chunk.size;
    if (descriptor >= limit - Math.max(LEAST_RESERVE_DESCRIPTORS, limit * RESERVE_PART)) this.#askBack(index);
  }

  #peek(): ReturnType<typeof peekDescriptor> {
    try {
      return peekDescriptor(this.#descriptors);
    } catch (error) {
      throw isPassing(error) ? this.#exhausted(error) : error;
    }
  }

  #import(fd: number, statement: ChunkStatement): ImportedChunk {
    try {
      return importChunk(fd, statement, { ...this.#options, isOwnUser: isOwnUser(this.#host.peer.uid) });
    } catch (error) {
      throw isPassing(error) ? this.#exhausted(error) : error;
    }
  }

  #exhausted(cause: Error = new SystemError('recvmsg', EMFILE, 'Cannot receive a descriptor')): Postponed {
    this.#askBack();
    return new Postponed(cause);
  }

  /** Asks the peer to revoke what is not used here: each chunk that it may name is a descriptor of ours. */
  #askBack(except?: number): void {
    for (const [index, chunk] of this.#chunks) {
      if (index === except || chunk.leased || this.#asked.has(index)) continue;
      this.#asked.add(index);
      const { buffer, at } = this.#host.writer.frame(FrameType.FORGET, 0, 4);
      buffer.writeUInt32LE(index, at);
      this.#host.wrote();
    }
  }

  /** A REVOKE frame: the peer will not name the chunk again. */
  revoked(frame: Frame): void {
    checkLength(frame, 4);
    const index = frame.body.readUInt32LE(0);
    const chunk = this.#chunks.get(index);
    if (chunk === undefined) throw protocolError(`chunk ${index} was revoked and never granted`);
    this.#remove(index, chunk);
  }

  /**
   * The lease of a slice that a message names. The caller retains it at once.
   * @throws ERR_IOLITE_PROTOCOL when the slice does not lie inside a granted chunk; ERR_IOLITE_STALE;
   *   ERR_IOLITE_LIMIT; Postponed while another process has locked the chunk, or the kernel has no memory
   */
  lease(index: number, generation: number, start: number, end: number): Lease {
    const chunk = this.#chunks.get(index);
    if (chunk === undefined) throw protocolError(`a slice lies in chunk ${index}, which was not granted`);
    if (start < HEADER_BYTES || end > chunk.size) {
      throw protocolError(`a slice of ${start} to ${end} lies outside of its chunk of ${chunk.size} bytes`);
    }
    const lease = leaseOf(chunk, generation);
    if (!this.#leased.has(chunk)) this.#noteLeased(chunk);
    return lease;
  }

  /**
   * The channel is closed: chunks stay only as long as slices of them live. Descriptors that were sent and
   * never taken go with the socket.
   */
  clear(): void {
    for (const [index, chunk] of this.#chunks) this.#remove(index, chunk);
    invariant(this.#mappedBytes === 0, 'what is mapped for a peer is what it granted');
    for (const [chunk, forget] of this.#leased) chunk.onDrop.delete(forget);
    this.#leased.clear();
    this.#leasedBytes = 0;
  }

  /** Asks the peer for a fact of ranges that it granted us the chunks of. @returns false where it did not */
  readonly #ask = (name: string, ranges: readonly ContentRange[]): boolean => {
    if (!this.mayAsk || ranges.length > MAX_ASKED_RANGES || name.length > MAX_NAME_CHARACTERS) return false;
    const numbered: { index: number; range: ContentRange }[] = [];
    for (const range of ranges) {
      const index = this.#indexOf.get(range.chunk);
      if (index === undefined) return false;
      numbered.push({ index, range });
    }
    writeQuestion(this.#host.writer, name, numbered);
    this.#host.wrote();
    return true;
  };

  #problem(index: number, size: number, note: Buffer): IoliteError | undefined {
    if (note.length !== 4 || note.readUInt32LE(0) !== index)
      return protocolError(`descriptor ${index} came out of order`);
    if (this.#chunks.has(index)) return protocolError(`chunk ${index} was granted twice`);
    const { maxChunks, maxMappedBytes } = this.#options;
    if (this.#chunks.size >= maxChunks) return quotaExceededError('maxChunks', maxChunks);
    if (this.#mappedBytes + size > maxMappedBytes)
      return quotaExceededError('maxMappedBytes', maxMappedBytes);
    return undefined;
  }

  /** Counts a chunk as leased. Which are not any more is found out when there would be too many. */
  #noteLeased(chunk: ImportedChunk): void {
    const { maxLeasedChunks, maxLeasedBytes } = this.#options;
    const within = (): boolean =>
      this.#leased.size < maxLeasedChunks && this.#leasedBytes + chunk.size <= maxLeasedBytes;
    if (!within()) this.#forgetUnleased();
    // What is discarded is not to be kept from the garbage collector, who counts all of its memory.
    const forget = (): void => this.#forgetLeased(chunk);
    chunk.onDrop.add(forget);
    this.#leased.set(chunk, forget);
    this.#leasedBytes += chunk.size;
    if (this.#leased.size > maxLeasedChunks) throw quotaExceededError('maxLeasedChunks', maxLeasedChunks);
    if (this.#leasedBytes > maxLeasedBytes) throw quotaExceededError('maxLeasedBytes', maxLeasedBytes);
  }

  #forgetUnleased(): void {
    for (const chunk of [...this.#leased.keys()]) if (!chunk.leased) this.#forgetLeased(chunk);
  }

  #forgetLeased(chunk: ImportedChunk): void {
    const forget = this.#leased.get(chunk);
    if (forget === undefined) return;
    this.#leased.delete(chunk);
    chunk.onDrop.delete(forget);
    this.#leasedBytes -= chunk.size;
    invariant(this.#leasedBytes >= 0, 'bytes that are leased are those of chunks that are');
  }

  #remove(index: number, chunk: ImportedChunk): void {
    this.#chunks.delete(index);
    this.#indexOf.delete(chunk);
    chunk.askers.delete(this.#ask);
    chunk.givers.delete(this.#host.peer);
    this.#asked.delete(index);
    this.#mappedBytes -= chunk.size;
    invariant(this.#mappedBytes >= 0, 'a chunk that is removed was counted');
    chunk.removeGrant();
  }
}

function mappingTooMuchError(): IoliteError {
  return new IoliteError('ERR_IOLITE_LIMIT', 'The peer had more mapped in a moment than anybody can read');
}

function leaseOf(chunk: ImportedChunk, generation: number): Lease {
  try {
    return chunk.lease(generation);
  } catch (error) {
    const isBusy = error instanceof IoliteError && error.code === 'ERR_IOLITE_BUSY';
    throw isBusy || isPassing(error) ? new Postponed(error) : error;
  }
}

/** Whether this process, or the kernel, lacks something that may be there in a moment: no fault of a peer. */
function isPassing(error: unknown): error is SystemError {
  return error instanceof SystemError && PASSING.includes(error.code);
}
