/** Kinds of frames (RFC 9113, 6; RFC 9218, 7.1). */
export const FRAME = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  reset: 0x3,
  settings: 0x4,
  push: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
  priorityUpdate: 0x10,
} as const;

/** Flags, of which each has a meaning with some kinds of frames. */
export const FLAG = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** Why a stream or a connection ends (RFC 9113, 7). */
export const REASON = {
  none: 0x0,
  protocol: 0x1,
  internal: 0x2,
  flowControl: 0x3,
  streamClosed: 0x5,
  frameSize: 0x6,
  refused: 0x7,
  cancel: 0x8,
  compression: 0x9,
  calm: 0xb,
} as const;

/** What is told in settings (RFC 9113, 6.5.2; RFC 9218, 2.1). */
export const SETTING = {
  tableSize: 0x1,
  enablePush: 0x2,
  maxStreams: 0x3,
  initialWindow: 0x4,
  maxFrame: 0x5,
  maxFieldList: 0x6,
  noOldPriorities: 0x9,
} as const;

/** Before each frame: length, kind, flags, stream. */
export const FRAME_HEAD_BYTES = 9;
/** Most bytes behind it, unless the settings say something else, which ours do not. */
export const FRAME_BYTES = 16_384;
/** Of a connection and of a stream, at first. */
export const FIRST_WINDOW_BYTES = 65_535;
export const MAX_WINDOW_BYTES = 2 ** 31 - 1;
/** What a client says first. */
export const PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** A peer broke the protocol in a way that ends the connection. */
export class ConnectionFault {
  readonly reason: number;

  /** @param reason one of {@link REASON} */
  constructor(reason: number) {
    this.reason = reason;
  }
}
