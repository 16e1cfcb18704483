import { IoliteError, type IoliteErrorCode } from '../../base/error.ts';
import type { Json } from '../../base/json.ts';
import type { FrameWriter } from './frame.ts';
import { parseHead } from './head.ts';

/** Characters of an error's code, and of its message, that the peer is told. */
const MAX_CODE_CHARACTERS = 100;
const MAX_TEXT_CHARACTERS = 4096;

/** What a failed request's answer says of the error. */
export function describeFailure(error: unknown): Json {
  const { code, message, errno, syscall } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  return {
    code: typeof code === 'string' ? code.slice(0, MAX_CODE_CHARACTERS) : 'ERR_IOLITE_PEER',
    message: (typeof message === 'string' ? message : String(error)).slice(0, MAX_TEXT_CHARACTERS),
    ...(typeof errno === 'number' ? { errno } : {}),
    ...(typeof syscall === 'string' ? { syscall } : {}),
  };
}

/** The error that a failed request's answer describes, with the peer's `code`, `errno` and `syscall`. */
export function failureOf(head: Json | undefined): IoliteError {
  const stated = typeof head === 'object' && head !== null ? (head as Record<string, unknown>) : {};
  const { code, message, errno, syscall } = stated;
  const error = new IoliteError(
    // By its own code, whatever that is.
    (typeof code === 'string' ? code : 'ERR_IOLITE_PEER') as IoliteErrorCode,
    typeof message === 'string' ? message : 'The peer failed to answer',
  );
  if (typeof errno === 'number') Object.assign(error, { errno });
  if (typeof syscall === 'string') Object.assign(error, { syscall });
  return error;
}

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
export function peerGoneError(cause?: Error): IoliteError {
  if (cause === undefined) return new IoliteError('ERR_IOLITE_PEER', 'The peer is gone');
  return new IoliteError('ERR_IOLITE_PEER', `The peer is gone: ${cause.message}`, { cause });
}

/** The error of a channel whose other side said why. */
export function cutOffError({ code, message }: IoliteError): IoliteError {
  return new IoliteError(code as IoliteErrorCode, `The peer cut this side off: ${message}`);
}
