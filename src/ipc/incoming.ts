import { type Aggregate, aggregateOfSlices } from '../aggregate/aggregate.ts';
import type { Lease } from '../memory/lease.ts';
import { parseHead } from './head.ts';
import type { ImportTable } from './imports.ts';
import type { Message } from './message.ts';
import { exceeded, type Quotas } from './quotas.ts';
import { broken, checkLength, type Frame, MESSAGE_FIXED, SLICE_BYTES } from './wire.ts';

/** A message as it arrived. Its body, leased, belongs to the caller. */
export interface Incoming {
  readonly kind: number;
  readonly correlation: number;
  readonly message: Message;
}

/** Reads a MESSAGE frame, trusting nothing in it. @throws ERR_IOLITE_PROTOCOL, ERR_IOLITE_STALE, ERR_IOLITE_LIMIT; holds nothing then */
export function decodeMessage(frame: Frame, imports: ImportTable, quotas: Quotas): Incoming {
  const { body: bytes } = frame;
  if (bytes.length < MESSAGE_FIXED) throw broken(`a message has ${bytes.length} bytes`);
  const kind = bytes.readUInt32LE(0);
  const correlation = bytes.readUInt32LE(4);
  const headLength = bytes.readUInt32LE(8);
  const sliceCount = bytes.readUInt32LE(12);
  const slicesAt = MESSAGE_FIXED + headLength;
  checkLength(frame, slicesAt + sliceCount * SLICE_BYTES);
  if (headLength > quotas.maxHeadBytes) throw exceeded('maxHeadBytes', quotas.maxHeadBytes);
  if (sliceCount > quotas.maxSlices) throw exceeded('maxSlices', quotas.maxSlices);
  const hasBody = (frame.flags & 1) !== 0;
  if (!hasBody && sliceCount > 0) throw broken('a message without a body names slices');
  const head = headLength === 0 ? {} : { head: parseHead(bytes, MESSAGE_FIXED, slicesAt) };
  const body = hasBody ? { body: leaseBody(bytes.subarray(slicesAt), imports) } : {};
  if (body.body !== undefined && body.body.length > quotas.maxBodyBytes) {
    body.body.release();
    throw exceeded('maxBodyBytes', quotas.maxBodyBytes);
  }
  return { kind, correlation, message: { ...head, ...body } };
}

function leaseBody(descriptors: Buffer, imports: ImportTable): Aggregate {
  const slices: { lease: Lease; start: number; end: number }[] = [];
  try {
    for (let at = 0; at < descriptors.length; at += SLICE_BYTES) {
      const start = descriptors.readUInt32LE(at + 8);
      const end = start + descriptors.readUInt32LE(at + 12);
      const lease = imports.lease(descriptors.readUInt32LE(at), descriptors.readUInt32LE(at + 4), start, end);
      lease.retain();
      slices.push({ lease, start, end });
    }
  } catch (error) {
    for (const { lease } of slices) lease.release();
    throw error;
  }
  return aggregateOfSlices(slices);
}
