/**
 * A connection as a protocol above it sees it, whether its bytes are encrypted on the way or not. What it
 * reads and sends are bytes of the protocol.
 */
export interface ByteLink {
  /** Address of the peer. */
  readonly remoteAddress: string | undefined;
  /** Whether something that was given to {@link send} is not yet with the kernel. */
  readonly hasUnsent: boolean;
  /**
   * Takes all of the pieces at once: they are copied, or encrypted. Call it with at most
   * {@link SEND_STEP_BYTES} while nothing is unsent; a little beyond that, for what cannot wait, is allowed.
   * Does nothing once the connection is gone.
   * @returns whether the kernel has taken all. If not, the host is told when it has, or that the connection
   *   is gone
   */
  send(pieces: readonly Uint8Array[]): boolean;
  /** Reads no more until {@link resume}. */
  pause(): void;
  /**
   * Reads on. What came before and was kept is given to the host within the call, or soon after it.
   */
  resume(): void;
  /** Ends our side behind what was sent. The peer's is read on. */
  end(): void;
  /** Ends both sides at once. The host is told nothing more. */
  close(): void;
}

/** Most bytes that a {@link ByteLink} is given in one call: what waits for a slow peer is no more. */
export const SEND_STEP_BYTES = 128 * 1024;

/** Who has a {@link ByteLink}. */
export interface ByteLinkHost {
  /** Bytes came, valid during the call only. @returns whether to read on; otherwise the link is paused */
  received(bytes: Buffer): boolean;
  /** The peer has ended its side, or is gone. Nothing more comes. */
  ended(): void;
  /** All that was given to {@link ByteLink.send} is with the kernel. */
  drained(): void;
  /** The connection is gone, without {@link ByteLink.close} having been called. */
  lost(): void;
}
