import { STREAM_WINDOW_BYTES, STREAM_WINDOW_PIECES } from '../wire/frame.ts';

/** How far the sender of a stream may run ahead of its reader. */
export interface StreamWindow {
  /** Pieces that may be sent and not consumed. */
  readonly pieces: number;
  /** Bytes of such pieces from which on no further one may follow. */
  readonly bytes: number;
  /** Longer pieces are cut before they are sent: to name a long buffer costs nothing, to copy it does. */
  readonly pieceBytes: number;
}

/** Of channels, where a piece is the name of a buffer. */
export const CHANNEL_WINDOW: StreamWindow = {
  pieces: STREAM_WINDOW_PIECES,
  bytes: STREAM_WINDOW_BYTES,
  pieceBytes: Number.POSITIVE_INFINITY,
};
