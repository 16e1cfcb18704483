import { IoliteError } from '../../base/error.ts';
import { describeFailure, failureOf } from '../pending-requests.ts';
import type { FrameWriter } from './frame.ts';
import { parseHead } from './head.ts';

/** Writes a frame of numbers and, as JSON, an error. */
export function writeReason(
  writer: FrameWriter,
  type: number,
  fields: readonly number[],
  error: unknown,
): void {
  const reason = Buffer.from(JSON.stringify(describeFailure(error)));
  const { buffer, at: start } = writer.frame(type, 0, 4 * fields.length + reason.length);
  let at = start;
  for (const field of fields) at = buffer.writeUInt32LE(field, at);
  reason.copy(buffer, at);
}

/** The error at the end of such a frame. @throws ERR_IOLITE_PROTOCOL when it is none */
export function readReason(body: Buffer, at: number): IoliteError {
  return failureOf(parseHead(body, at, body.length));
}

/** The error of a channel whose other side broke off. */
export function peerGone(cause?: Error): IoliteError {
  if (cause === undefined) return new IoliteError('ERR_IOLITE_PEER', 'The peer is gone');
  return new IoliteError('ERR_IOLITE_PEER', `The peer is gone: ${cause.message}`, { cause });
}

/** The error of a channel whose other side said why. */
export function cutOff({ code, message }: IoliteError): IoliteError {
  return new IoliteError(code, `The peer cut this side off: ${message}`);
}
