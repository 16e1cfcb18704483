import type { Credentials } from '../memory/acl.ts';
import type { Chunk, ChunkHolder } from '../memory/chunk.ts';

/** What a channel has sent: see {@link Sender}. */
interface SentMessages {
  readonly leasedCount: number;
  untaken(): Set<Chunk>;
}

/** The peer of a channel, as the pools see it whose chunks it was given. Outlives the channel. */
export class PeerHolder implements ChunkHolder {
  readonly peer: Credentials;
  readonly maxHeldBytes: number | undefined;
  #sent: SentMessages | undefined;
  #cutOff: ((reason: Error) => void) | undefined;

  /** @param cutOff ends the channel, which tells the peer */
  constructor(
    peer: Credentials,
    maxHeldBytes: number | undefined,
    sent: SentMessages,
    cutOff: (reason: Error) => void,
  ) {
    this.peer = peer;
    this.maxHeldBytes = maxHeldBytes;
    this.#sent = sent;
    this.#cutOff = cutOff;
  }

  get isOpen(): boolean {
    return this.#sent !== undefined;
  }

  get leasedCount(): number {
    return this.#sent?.leasedCount ?? 0;
  }

  untaken(): Set<Chunk> {
    return this.#sent?.untaken() ?? new Set();
  }

  cutOff(reason: Error): void {
    this.#cutOff?.(reason);
  }

  /** The channel is closed, and keeps nothing for the peer. */
  end(): void {
    this.#sent = undefined;
    this.#cutOff = undefined;
  }
}
