import type { IoliteError } from '../../base/error.ts';
import { invariant } from '../../base/invariant.ts';
import { HEADER_BYTES } from '../../memory/chunk.ts';
import { type ImportedChunk, importChunk, type OnWrite } from '../../memory/imported-chunk.ts';
import type { Lease } from '../../memory/lease.ts';
import { closeDescriptor } from '../../os/descriptor.ts';
import { receiveDescriptor } from '../../os/socket.ts';
import { checkLength, type Frame, protocolError } from '../wire/frame.ts';
import { type Quotas, quotaExceededError } from '../wire/quotas.ts';

/** What bounds a peer, and what is asked of its memory. See also {@link Quotas}. */
export interface ImportOptions {
  /** What a write into received memory does. Default 'fault'. */
  readonly onWrite: OnWrite;
  /** Accept only chunks that nobody can write any more, their producer included. */
  readonly requireSealed: boolean;
}

/** The chunks this side of a channel was given by its peer, by the numbers that the peer's messages use. */
export class ImportTable {
  readonly #descriptors: number;
  readonly #options: ImportOptions & Quotas;
  readonly #chunks = new Map<number, ImportedChunk>();
  #mappedBytes = 0;
  /** Chunks that this channel's messages leased and that may be leased still, with what forgets each. */
  readonly #leased = new Map<ImportedChunk, () => void>();
  #leasedBytes = 0;

  constructor(descriptors: number, options: Partial<ImportOptions>, quotas: Quotas) {
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
   * A GRANT frame: takes the descriptor that was sent before it. @throws ERR_IOLITE_PROTOCOL,
   * ERR_IOLITE_LIMIT
   */
  granted(frame: Frame): void {
    checkLength(frame, 32);
    const { body } = frame;
    const index = body.readUInt32LE(0);
    const size = Number(body.readBigUInt64LE(8));
    const received = receiveDescriptor(this.#descriptors);
    if (received === undefined || received === 'ended')
      throw protocolError('a descriptor was announced and is missing');
    if (received === 'malformed') throw protocolError('a descriptor was announced and something else came');
    const { fd, note } = received;
    const problem = this.#problem(index, size, note);
    if (problem !== undefined) {
      closeDescriptor(fd);
      throw problem;
    }
    const id = body.toString('hex', 16, 32);
    const chunk = importChunk(fd, { id, size, sole: (frame.flags & 1) !== 0 }, this.#options);
    chunk.addGrant();
    this.#chunks.set(index, chunk);
    this.#mappedBytes += chunk.size;
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
   *   ERR_IOLITE_LIMIT
   */
  lease(index: number, generation: number, start: number, end: number): Lease {
    const chunk = this.#chunks.get(index);
    if (chunk === undefined) throw protocolError(`a slice lies in chunk ${index}, which was not granted`);
    if (start < HEADER_BYTES || end > chunk.size) {
      throw protocolError(`a slice of ${start} to ${end} lies outside of its chunk of ${chunk.size} bytes`);
    }
    const lease = chunk.lease(generation);
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
    this.#mappedBytes -= chunk.size;
    invariant(this.#mappedBytes >= 0, 'a chunk that is removed was counted');
    chunk.removeGrant();
  }
}
