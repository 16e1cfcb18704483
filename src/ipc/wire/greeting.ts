import {
  checkLength,
  type Frame,
  FrameType,
  type FrameWriter,
  PROTOCOL_MAGIC,
  PROTOCOL_VERSION,
  protocolError,
} from './frame.ts';
import { DEFAULT_QUOTAS, type Quotas, type SenderQuotas } from './quotas.ts';
import { readRefusal } from './refusal.ts';

/** A HELLO without quotas, and with. */
const PLAIN_BYTES = 8;
const FULL_BYTES = 48;

/** The quotas of 32 bits, from {@link SMALL_QUOTAS_AT} on in this order. */
const SMALL_QUOTAS = ['maxMessages', 'maxHeadBytes', 'maxSlices', 'maxChunks', 'maxStreams'] as const;
const SMALL_QUOTAS_AT = 8;
/** Bit 0: whether ASK frames are read. */
const FEATURES_AT = 28;
const READS_QUESTIONS = 0x1;
const MAX_BODY_AT = 32;
const MAX_MAPPED_AT = 40;

/** Writes the frame that a side begins with. */
export function writeGreeting(writer: FrameWriter, quotas: Quotas): void {
  const { buffer, at } = writer.frame(FrameType.HELLO, 0, FULL_BYTES);
  buffer.fill(0, at, at + FULL_BYTES);
  buffer.writeUInt32LE(PROTOCOL_MAGIC, at);
  buffer.writeUInt32LE(PROTOCOL_VERSION, at + 4);
  for (const [i, name] of SMALL_QUOTAS.entries())
    buffer.writeUInt32LE(quotas[name], at + SMALL_QUOTAS_AT + 4 * i);
  buffer.writeUInt32LE(READS_QUESTIONS, at + FEATURES_AT);
  buffer.writeBigUInt64LE(BigInt(quotas.maxBodyBytes), at + MAX_BODY_AT);
  buffer.writeBigUInt64LE(BigInt(quotas.maxMappedBytes), at + MAX_MAPPED_AT);
}

/** What a peer takes of us. */
export interface PeerGreeting {
  readonly quotas: SenderQuotas;
  /** Whether it may be asked for facts. */
  readonly readsQuestions: boolean;
}

/**
 * Reads the peer's first frame. @returns what it takes of us
 * @throws ERR_IOLITE_PROTOCOL when it is no greeting of this protocol; the reason of an endpoint that refuses
 *   us
 */
export function readGreeting(frame: Frame): PeerGreeting {
  if (frame.type === FrameType.REFUSED) throw readRefusal(frame);
  if (frame.type !== FrameType.HELLO) throw protocolError(`its first frame is of type ${frame.type}`);
  const { body } = frame;
  if (body.length !== PLAIN_BYTES) checkLength(frame, FULL_BYTES);
  if (body.readUInt32LE(0) !== PROTOCOL_MAGIC) throw protocolError('its greeting is not of this protocol');
  const version = body.readUInt32LE(4);
  if (version !== PROTOCOL_VERSION)
    throw protocolError(`it speaks version ${version}, ${PROTOCOL_VERSION} is known`);
  if (body.length === PLAIN_BYTES) return { quotas: DEFAULT_QUOTAS, readsQuestions: false };
  const [maxMessages = 0, maxHeadBytes = 0, maxSlices = 0, maxChunks = 0, maxStreams = 0] = SMALL_QUOTAS.map(
    (_, i) => body.readUInt32LE(SMALL_QUOTAS_AT + 4 * i),
  );
  const maxBodyBytes = Number(body.readBigUInt64LE(MAX_BODY_AT));
  const maxMappedBytes = Number(body.readBigUInt64LE(MAX_MAPPED_AT));
  const quotas = {
    maxMessages,
    maxHeadBytes,
    maxSlices,
    maxChunks,
    maxStreams,
    maxBodyBytes,
    maxMappedBytes,
  };
  return { quotas, readsQuestions: (body.readUInt32LE(FEATURES_AT) & READS_QUESTIONS) !== 0 };
}
