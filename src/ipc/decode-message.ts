import { Aggregate } from '../aggregate/aggregate.ts';
import { aggregateOfSlices } from '../aggregate/aggregate-of-slices.ts';
import { Slice } from '../aggregate/slice.ts';
import type { Json } from '../base/json.ts';
import type { ImportTable } from './chunks/import-table.ts';
import type { Message } from './message.ts';
import { checkLength, type Frame, MESSAGE_FIXED_BYTES, protocolError, SLICE_BYTES } from './wire/frame.ts';
import type { HeadMemo } from './wire/head.ts';
import { parseWeighed, weigh } from './wire/head.ts';
import { type Quotas, quotaExceededError } from './wire/quotas.ts';
import { weightOfMessage } from './wire/weight.ts';

/** A message as it arrived. Its body, leased, belongs to the caller. */
export interface Incoming {
  readonly kind: number;
  readonly correlation: number;
  readonly message: Message;
  /** Of the message, as {@link weightOfMessage} has it. */
  readonly weight: number;
}

/**
 * Reads a MESSAGE frame, trusting nothing in it.
 * @param admit asked of its kind and weight before anything is made of it; throws to refuse it
 * @param heads what came before, if that is remembered
 * @throws ERR_IOLITE_PROTOCOL, ERR_IOLITE_STALE, ERR_IOLITE_LIMIT; holds nothing then
 */
export function decodeMessage(
  frame: Frame,
  imports: ImportTable,
  quotas: Quotas,
  admit: (kind: number, weight: number) => void,
  heads?: HeadMemo,
): Incoming {
  const { bytes, start } = frame;
  if (frame.length < MESSAGE_FIXED_BYTES) throw protocolError(`a message has ${frame.length} bytes`);
  const kind = bytes.readUInt32LE(start);
  const correlation = bytes.readUInt32LE(start + 4);
  const headLength = bytes.readUInt32LE(start + 8);
  const sliceCount = bytes.readUInt32LE(start + 12);
  checkLength(frame, MESSAGE_FIXED_BYTES + headLength + sliceCount * SLICE_BYTES);
  if (headLength > quotas.maxHeadBytes) throw quotaExceededError('maxHeadBytes', quotas.maxHeadBytes);
  if (sliceCount > quotas.maxSlices) throw quotaExceededError('maxSlices', quotas.maxSlices);
  const hasBody = (frame.flags & 1) !== 0;
  if (!hasBody && sliceCount > 0) throw protocolError('a message without a body names slices');
  const headAt = start + MESSAGE_FIXED_BYTES;
  const slicesAt = headAt + headLength;
  const message: { head?: Json; body?: Aggregate } = {};
  const weight = weightOfMessage(weigh(bytes, headAt, slicesAt), sliceCount);
  admit(kind, weight);
  if (headLength > 0) {
    message.head =
      heads === undefined ? parseWeighed(bytes, headAt, slicesAt) : heads.parse(bytes, headAt, slicesAt);
  }
  if (!hasBody) return { kind, correlation, message, weight };
  const body = leaseBody(bytes, slicesAt, sliceCount, imports);
  if (body.length > quotas.maxBodyBytes) {
    body.release();
    throw quotaExceededError('maxBodyBytes', quotas.maxBodyBytes);
  }
  message.body = body;
  return { kind, correlation, message, weight };
}

function leaseBody(bytes: Buffer, at: number, count: number, imports: ImportTable): Aggregate {
  if (count === 1) {
    const slice = leaseSlice(bytes, at, imports);
    slice.lease.note(slice.length);
    if (slice.length > 0) return new Aggregate(slice);
    slice.lease.release();
    return new Aggregate();
  }
  const slices: Slice[] = [];
  try {
    for (let i = 0; i < count; i++) slices.push(leaseSlice(bytes, at + i * SLICE_BYTES, imports));
  } catch (error) {
    for (const { lease } of slices) lease.release();
    throw error;
  }
  return aggregateOfSlices(slices);
}

function leaseSlice(bytes: Buffer, at: number, imports: ImportTable): Slice {
  const index = bytes.readUInt32LE(at);
  const start = bytes.readUInt32LE(at + 8);
  const end = start + bytes.readUInt32LE(at + 12);
  const lease = imports.lease(index, bytes.readUInt32LE(at + 4), start, end);
  lease.retain();
  return new Slice(lease, start, end);
}
