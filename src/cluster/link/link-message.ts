import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { Json } from '../../base/json.ts';
import {
  checkLength,
  type Frame,
  FrameType,
  type FrameWriter,
  MessageKind,
  protocolError,
} from '../../ipc/wire/frame.ts';
import { parseWeighed, weigh } from '../../ipc/wire/head.ts';
import { type Quotas, quotaExceededError } from '../../ipc/wire/quotas.ts';
import { weightOfMessage } from '../../ipc/wire/weight.ts';

/**
 * The MESSAGE frame of a link, little-endian:
 *
 *      0  kind           u32, as of a channel
 *      4  correlation    u32
 *      8  head length    u32
 *     12  stream         u32: the number of the stream that brings the body (flag 2)
 *     16  body length    u64
 *     24  head, then the body unless it comes as a stream
 *
 * Flag 1: it has a body.
 */
const FIXED_BYTES = 24;
const HAS_BODY = 0x1;
const IS_STREAMED = 0x2;

/** A piece of a stream, and the longest body that comes with its message. */
export const PIECE_BYTES = 256 * 1024;
/** What comes with a piece. */
export const PIECE_OVERHEAD_BYTES = FIXED_BYTES + 8;

/** What is to be written. */
export interface LinkMessageToWrite {
  readonly kind: number;
  readonly correlation: number;
  /** JSON, empty for none. */
  readonly head: Buffer;
  readonly body: Aggregate | undefined;
}

/** A message as it came. */
export interface IncomingLinkMessage {
  readonly kind: number;
  readonly correlation: number;
  readonly head: Json | undefined;
  readonly bodyLength: number;
  /** The body, a view of what was read; undefined where there is none, or it comes as a stream. */
  readonly body: Buffer | undefined;
  /** The number of the stream that it comes as. */
  readonly stream: number | undefined;
  /** See {@link weightOfLinkMessage}. */
  readonly weight: number;
}

/** What a message weighs: what it takes in the memory of whoever receives it, its body included. */
export function weightOfLinkMessage(head: number, bodyLength: number): number {
  return weightOfMessage(head, 0) + bodyLength;
}

/** Writes a message, of whose body the bytes are copied. @param stream that its body comes as, if it does */
export function writeLinkMessage(
  writer: FrameWriter,
  { kind, correlation, head, body }: LinkMessageToWrite,
  stream?: number,
): void {
  const inline = stream === undefined ? (body?.length ?? 0) : 0;
  const flags = body === undefined ? 0 : HAS_BODY | (stream === undefined ? 0 : IS_STREAMED);
  const { buffer, at } = writer.frame(FrameType.MESSAGE, flags, FIXED_BYTES + head.length + inline);
  buffer.writeUInt32LE(kind, at);
  buffer.writeUInt32LE(correlation, at + 4);
  buffer.writeUInt32LE(head.length, at + 8);
  buffer.writeUInt32LE(stream ?? 0, at + 12);
  buffer.writeBigUInt64LE(BigInt(body?.length ?? 0), at + 16);
  head.copy(buffer, at + FIXED_BYTES);
  if (inline > 0) body?.copyTo(buffer, at + FIXED_BYTES + head.length);
}

/**
 * Reads a MESSAGE frame, trusting nothing in it. @param admit asked of its kind and weight before anything is
 * made of it; throws to refuse it
 * @throws ERR_IOLITE_PROTOCOL, ERR_IOLITE_LIMIT
 */
export function readLinkMessage(
  frame: Frame,
  quotas: Quotas,
  admit: (kind: number, weight: number) => void,
): IncomingLinkMessage {
  const { bytes, start, flags } = frame;
  if (frame.length < FIXED_BYTES) throw protocolError(`a message has ${frame.length} bytes`);
  const kind = bytes.readUInt32LE(start);
  const headLength = bytes.readUInt32LE(start + 8);
  const bodyLength = Number(bytes.readBigUInt64LE(start + 16));
  const isStreamed = (flags & IS_STREAMED) !== 0;
  const hasBody = (flags & HAS_BODY) !== 0;
  if (!hasBody && (bodyLength > 0 || isStreamed))
    throw protocolError('a message without a body has a length');
  if (bodyLength > quotas.maxBodyBytes) throw quotaExceededError('maxBodyBytes', quotas.maxBodyBytes);
  if (!isStreamed && bodyLength > PIECE_BYTES)
    throw protocolError(`a message brings ${bodyLength} bytes, ${PIECE_BYTES} is the most`);
  if (isStreamed && kind > MessageKind.RESPONSE) throw protocolError(`a body of kind ${kind} is no stream`);
  checkLength(frame, FIXED_BYTES + headLength + (isStreamed ? 0 : bodyLength));
  if (headLength > quotas.maxHeadBytes) throw quotaExceededError('maxHeadBytes', quotas.maxHeadBytes);
  const headAt = start + FIXED_BYTES;
  const bodyAt = headAt + headLength;
  const weight = weightOfLinkMessage(weigh(bytes, headAt, bodyAt), bodyLength);
  admit(kind, weight);
  return {
    kind,
    correlation: bytes.readUInt32LE(start + 4),
    head: headLength > 0 ? parseWeighed(bytes, headAt, bodyAt) : undefined,
    bodyLength,
    body: hasBody && !isStreamed ? bytes.subarray(bodyAt, bodyAt + bodyLength) : undefined,
    stream: isStreamed ? bytes.readUInt32LE(start + 12) : undefined,
    weight,
  };
}
