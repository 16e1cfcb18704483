import { IoliteError, type IoliteErrorCode } from '../../base/error.ts';
import type { Json } from '../../base/json.ts';
import { type FrameWriter, protocolError } from './frame.ts';
import { parseHead } from './head.ts';

/** Characters of an error's code, and of its message, that the peer is told. */
const MAX_CODE_CHARACTERS = 100;
const MAX_TEXT_CHARACTERS = 4096;

/** Characters of the message of a cause, and how many causes are told, each the next one's. */
const MAX_CAUSE_CHARACTERS = 1024;
const MAX_CAUSES = 3;
/** Bytes of an error as JSON: more than all of these characters together, escaped, can be. */
const MAX_REASON_BYTES = 64 * 1024;

/** How the process or thread at the other end of a channel ended. */
export interface PeerEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The peer is gone: `ERR_IOLITE_PEER`, with how it ended where this process started it. */
export class PeerGoneError extends IoliteError {
  readonly exitCode: number | null;
  /** What killed it: SIGSEGV for a write into a buffer. */
  readonly signal: NodeJS.Signals | null;

  constructor(message: string, { exitCode, signal }: PeerEnd, options?: ErrorOptions) {
    super('ERR_IOLITE_PEER', message, options);
    this.exitCode = exitCode;
    this.signal = signal;
  }
}

/**
 * What a failed request's answer says of the error. One without a code, or with that of a dead peer, is
 * ERR_IOLITE_REMOTE: the peer that answers is alive.
 */
export function describeFailure(error: unknown): Json {
  const { code, message, errno, syscall, cause } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  const hasCode = typeof code === 'string' && code !== 'ERR_IOLITE_PEER';
  const told = describeCause(hasCode ? cause : error, MAX_CAUSES);
  return {
    code: hasCode ? code.slice(0, MAX_CODE_CHARACTERS) : 'ERR_IOLITE_REMOTE',
    message: (typeof message === 'string' ? message : String(error)).slice(0, MAX_TEXT_CHARACTERS),
    ...(told === undefined ? {} : { cause: told }),
    ...(typeof errno === 'number' ? { errno } : {}),
    ...(typeof syscall === 'string' ? { syscall: syscall.slice(0, MAX_CODE_CHARACTERS) } : {}),
  };
}

function describeCause(error: unknown, most: number): Json | undefined {
  if (!(error instanceof Error) || most === 0) return undefined;
  const { name, message, code, cause } = error as NodeJS.ErrnoException;
  const told = describeCause(cause, most - 1);
  return {
    name: String(name).slice(0, MAX_CODE_CHARACTERS),
    message: String(message).slice(0, MAX_CAUSE_CHARACTERS),
    ...(typeof code === 'string' ? { code: code.slice(0, MAX_CODE_CHARACTERS) } : {}),
    ...(told === undefined ? {} : { cause: told }),
  };
}

function causeOf(stated: unknown, most: number): Error | undefined {
  if (typeof stated !== 'object' || stated === null || most === 0) return undefined;
  const { name, message, code, cause } = stated as Record<string, unknown>;
  const inner = causeOf(cause, most - 1);
  const error = new Error(
    typeof message === 'string' ? message : '',
    inner === undefined ? undefined : { cause: inner },
  );
  if (typeof name === 'string') error.name = name;
  // It is the peer's, and says nothing of where it was thrown.
  error.stack = `${error.name}: ${error.message}`;
  return typeof code === 'string' ? Object.assign(error, { code }) : error;
}

/**
 * The error that a failed request's answer describes, with the peer's `code`, `errno`, `syscall` and `cause`.
 */
export function failureOf(head: Json | undefined): IoliteError {
  const stated = typeof head === 'object' && head !== null ? (head as Record<string, unknown>) : {};
  const { code, message, errno, syscall } = stated;
  const hasCode = typeof code === 'string' && code !== 'ERR_IOLITE_PEER';
  const cause = causeOf(stated.cause, MAX_CAUSES);
  const error = new IoliteError(
    // By its own code, whatever that is.
    (hasCode ? code : 'ERR_IOLITE_REMOTE') as IoliteErrorCode,
    typeof message === 'string' ? message : 'The peer failed to answer',
    cause === undefined ? undefined : { cause },
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

/**
 * The reason at the end of such a frame, for {@link failureOf}. @throws ERR_IOLITE_PROTOCOL when it is no
 * JSON, or too long
 */
export function readReason(body: Buffer, at: number): Json {
  if (body.length - at > MAX_REASON_BYTES) {
    throw protocolError(`a reason of ${body.length - at} bytes came, ${MAX_REASON_BYTES} is the most`);
  }
  return parseHead(body, at, body.length);
}

/** The error of a channel whose other side broke off. */
export function peerGoneError(cause?: Error, end?: PeerEnd): IoliteError {
  if (end !== undefined) {
    const how = end.signal === null ? `it exited with code ${end.exitCode}` : `${end.signal} killed it`;
    return new PeerGoneError(`The peer is gone: ${how}`, end, cause === undefined ? undefined : { cause });
  }
  if (cause === undefined) return new IoliteError('ERR_IOLITE_PEER', 'The peer is gone');
  return new IoliteError('ERR_IOLITE_PEER', `The peer is gone: ${cause.message}`, { cause });
}

/** The error of a channel whose other side said why. */
export function cutOffError({ code, message }: IoliteError): IoliteError {
  return new IoliteError(code as IoliteErrorCode, `The peer cut this side off: ${message}`);
}
