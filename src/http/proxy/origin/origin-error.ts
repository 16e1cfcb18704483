import { IoliteError, type IoliteErrorCode } from '../../../base/error.ts';

/** What the client of HTTP and the kernel call it. */
const CODES = new Map<unknown, IoliteErrorCode>([
  ['UND_ERR_CONNECT_TIMEOUT', 'ERR_IOLITE_TIMEOUT'],
  ['UND_ERR_HEADERS_TIMEOUT', 'ERR_IOLITE_TIMEOUT'],
  ['UND_ERR_BODY_TIMEOUT', 'ERR_IOLITE_TIMEOUT'],
  ['ETIMEDOUT', 'ERR_IOLITE_TIMEOUT'],
  // What the client sent: a method or field that cannot be sent on, or a body that is not as long as it says.
  ['UND_ERR_INVALID_ARG', 'ERR_IOLITE_ARGUMENT'],
  ['UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 'ERR_IOLITE_ARGUMENT'],
  ['UND_ERR_CLOSED', 'ERR_IOLITE_CLOSED'],
  ['UND_ERR_DESTROYED', 'ERR_IOLITE_CLOSED'],
]);

/** What a connection that was kept open, and that the origin closed as we sent, fails with. */
const CLOSED_MEANWHILE = new Set<unknown>(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/**
 * What a request to the origin failed with, in the terms of this library. Errors of our own, and those of who
 * aborts, stay as they are.
 * @param hasHead whether the head of a response had come: then nothing may be attempted again
 */
export function originError(cause: Error, hasHead: boolean): Error {
  if (cause instanceof IoliteError || cause.name === 'AbortError') return cause;
  const { code } = cause as NodeJS.ErrnoException;
  const mayRetry = !hasHead && CLOSED_MEANWHILE.has(code);
  const what = hasHead ? 'The origin broke off its response' : 'The origin sent no response';
  return new IoliteError(CODES.get(code) ?? 'ERR_IOLITE_ORIGIN', `${what}: ${cause.message}`, {
    cause,
    mayRetry,
  });
}

/** Whether the request that failed so may be sent again, if it changes nothing. */
export function isRetryable(error: unknown): boolean {
  return error instanceof IoliteError && error.mayRetry;
}
