import type { Slice } from '../../aggregate/slice.ts';
import { deriveLater } from '../../aggregate/tree/derive.ts';
import { IoliteError } from '../../base/error.ts';
import { invariant } from '../../base/invariant.ts';
import { admits, type Credentials } from '../../memory/acl.ts';
import type { Chunk } from '../../memory/chunk.ts';
import { ImportedChunk } from '../../memory/imported-chunk.ts';
import { SharedChunk } from '../../memory/shared-chunk.ts';
import { sharedMemoryProblem } from '../../memory/support.ts';
import { closeDescriptor } from '../../os/descriptor.ts';
import { sendDescriptor } from '../../os/socket.ts';
import type { PeerHolder } from '../peer-holder.ts';
import { checkLength, type Frame, FrameType, type FrameWriter } from '../wire/frame.ts';
import { DEFAULT_QUOTAS, peerQuotaError, type SenderQuotas } from '../wire/quotas.ts';
import { readQuestion, SentRanges } from './questions.ts';

type GrantableChunk = SharedChunk | ImportedChunk;

interface Grant {
  readonly index: number;
  readonly chunk: GrantableChunk;
  readonly sent: SentRanges;
  /** Takes the grant back; the chunk calls it when it is not to be passed on any more. */
  readonly revoke: () => void;
}

/**
 * The chunks whose descriptors this side of a channel has passed to its peer, each under a number that
 * messages name it by. A descriptor is passed once and for as long as the chunk lives.
 */
export class ExportTable {
  readonly #descriptors: number;
  readonly #writer: FrameWriter;
  readonly #wrote: () => void;
  readonly #grants = new Map<Chunk, Grant>();
  #last: Grant | undefined;
  readonly #chunkOf = new Map<number, GrantableChunk>();
  #nextIndex = 1;
  /** Bytes of the chunks that are granted. */
  #bytes = 0;
  /** How many chunks, of how many bytes, the peer lets us name at once. */
  quotas: SenderQuotas = DEFAULT_QUOTAS;
  /** The peer, to the pools of the chunks. */
  holder: PeerHolder | undefined;

  /**
   * @param descriptors the channel's socket for descriptors
   * @param wrote called when a frame was written outside of sending
   */
  constructor(descriptors: number, writer: FrameWriter, wrote: () => void) {
    this.#descriptors = descriptors;
    this.#writer = writer;
    this.#wrote = wrote;
  }

  /** The number that names a chunk to the peer, if it has it. */
  numberOf(chunk: Chunk): number | undefined {
    // The next slice likely lies in the same chunk.
    if (chunk !== this.#last?.chunk) this.#last = this.#grants.get(chunk);
    return this.#last?.index;
  }

  /**
   * Passes the descriptor of a chunk that the peer does not have. Takes back the oldest grants when the
   * peer's quotas ask for it; it may go on using what it was sent of these chunks.
   * @param slices of the message that the chunk is granted for: what they lie in stays granted
   * @param peer who gets it
   * @returns false when the socket takes no more descriptors just now
   * @throws SystemError: EMFILE, EPIPE, ECONNRESET; ERR_IOLITE_LIMIT when the message needs more than the
   *   quotas allow
   */
  grant(chunk: GrantableChunk, slices: readonly Slice[], peer: Credentials): boolean {
    this.#makeRoom(chunk.size, slices);
    if (chunk instanceof SharedChunk) chunk.revealTo(peer);
    const index = this.#nextIndex;
    const note = Buffer.alloc(4);
    note.writeUInt32LE(index);
    const fd = chunk.grant();
    try {
      if (!sendDescriptor(this.#descriptors, note, fd)) return false;
    } finally {
      closeDescriptor(fd);
    }
    this.#nextIndex += 1;
    this.#bytes += chunk.size;
    const grant: Grant = { index, chunk, sent: new SentRanges(), revoke: () => this.#revoke(grant) };
    this.#grants.set(chunk, grant);
    this.#chunkOf.set(index, chunk);
    recallsOf(chunk).add(grant.revoke);
    if (chunk instanceof SharedChunk && this.holder !== undefined) chunk.givenTo(this.holder);
    const { buffer, at } = this.#writer.frame(FrameType.GRANT, chunk.sole ? 1 : 0, 32);
    buffer.writeUInt32LE(index, at);
    buffer.writeUInt32LE(0, at + 4);
    buffer.writeBigUInt64LE(BigInt(chunk.size), at + 8);
    buffer.write(chunk.id, at + 16, 'hex');
    return true;
  }

  /** Notes that the peer is sent so much of a chunk that it may ask about it. */
  noteSent(chunk: Chunk, generation: number, start: number, end: number): void {
    this.#grants.get(chunk)?.sent.note(generation, start, end);
  }

  /**
   * An ASK frame: has a fact of what the peer was sent derived, here or where the chunk came from. Not where
   * that was never sent, is gone, or was asked about too often: nobody waits for it.
   */
  asked(frame: Frame): void {
    const question = readQuestion(frame, index => this.#chunkOf.get(index));
    if (question === undefined) return;
    const { name, ranges } = question;
    if (!ranges.every(range => this.#grants.get(range.chunk)?.sent.admit(range) === true)) return;
    const first: Chunk | undefined = ranges[0]?.chunk;
    if (ranges.every(({ chunk }) => chunk instanceof SharedChunk)) deriveLater(name, ranges);
    else first?.askFor?.(name, ranges);
  }

  /** A FORGET frame: the peer asks that a chunk be revoked. Unknown numbers are those revoked meanwhile. */
  forget(frame: Frame): void {
    checkLength(frame, 4);
    const chunk = this.#chunkOf.get(frame.body.readUInt32LE(0));
    if (chunk !== undefined) this.#grants.get(chunk)?.revoke();
  }

  /** The channel is closed: forgets all grants, without telling the peer. */
  end(): void {
    this.holder?.end();
    for (const { chunk, revoke } of this.#grants.values()) {
      recallsOf(chunk).delete(revoke);
      this.#takeFromHolder(chunk);
    }
    this.#grants.clear();
    this.#last = undefined;
    this.#chunkOf.clear();
    this.#bytes = 0;
  }

  /**
   * Takes back grants, the oldest first, until one more chunk of `size` bytes keeps within the peer's quotas.
   */
  #makeRoom(size: number, slices: readonly Slice[]): void {
    const { maxChunks, maxMappedBytes } = this.quotas;
    if (this.#grants.size < maxChunks && this.#bytes + size <= maxMappedBytes) return;
    const needed = new Set<Chunk>(slices.map(({ lease }) => lease.chunk));
    for (const grant of [...this.#grants.values()]) {
      if (this.#grants.size < maxChunks && this.#bytes + size <= maxMappedBytes) return;
      if (!needed.has(grant.chunk)) grant.revoke();
    }
    if (this.#grants.size >= maxChunks) throw peerQuotaError('maxChunks', maxChunks, needed.size);
    if (this.#bytes + size > maxMappedBytes) {
      throw peerQuotaError('maxMappedBytes', maxMappedBytes, this.#bytes + size);
    }
  }

  #takeFromHolder(chunk: GrantableChunk): void {
    if (chunk instanceof SharedChunk && this.holder !== undefined) chunk.takenFrom(this.holder);
  }

  #revoke({ index, chunk, revoke }: Grant): void {
    recallsOf(chunk).delete(revoke);
    this.#takeFromHolder(chunk);
    this.#grants.delete(chunk);
    this.#last = undefined;
    this.#bytes -= chunk.size;
    this.#chunkOf.delete(index);
    invariant(this.#chunkOf.size === this.#grants.size, 'each chunk that is granted has one number');
    invariant(this.#bytes >= 0, 'a chunk that is revoked was granted');
    const { buffer, at } = this.#writer.frame(FrameType.REVOKE, 0, 4);
    buffer.writeUInt32LE(index, at);
    this.#wrote();
  }
}

/** What takes back grants of a chunk, when its owner drops it, or who has granted it here wants it back. */
function recallsOf(chunk: GrantableChunk): Set<() => void> {
  return chunk instanceof SharedChunk ? chunk.onDrop : chunk.onRecall;
}

/**
 * Throws unless the chunk may be passed to this peer.
 * @throws ERR_IOLITE_UNSUPPORTED for memory of this process alone, ERR_IOLITE_ACCESS when its pool's ACL says
 *   no
 */
export function checkGrantable(chunk: Chunk, peer: Credentials): asserts chunk is GrantableChunk {
  if (!(chunk instanceof SharedChunk) && !(chunk instanceof ImportedChunk)) {
    const attempted = 'Cannot send aggregate: a slice of it lies on the heap of this process';
    const cause = sharedMemoryProblem();
    if (cause !== undefined)
      throw new IoliteError('ERR_IOLITE_UNSUPPORTED', `${attempted}. ${cause.message}`, { cause });
    throw new IoliteError(
      'ERR_IOLITE_UNSUPPORTED',
      `${attempted}; allocate it from a shared pool or compact() it into one`,
    );
  }
  if (!admits(chunk.acl, peer)) {
    throw new IoliteError(
      'ERR_IOLITE_ACCESS',
      `Cannot send aggregate: the ACL of its pool does not admit process ${peer.pid} of user ${peer.uid}`,
    );
  }
}
