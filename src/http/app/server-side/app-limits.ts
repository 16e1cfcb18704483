import { IoliteError } from '../../../base/error.ts';

/** What is asked of an application at most, for one request. */
export interface AppLimits {
  /**
   * Milliseconds until the head of the answer has to be there; of a body that is streamed to it, since its
   * last piece.
   */
  readonly timeout: number;
  /** Bytes of a request's body. */
  readonly maxBodyBytes: number;
}

/** The error of a request whose body is longer than the limit. */
export function tooLong(limit: number): IoliteError {
  return new IoliteError('ERR_IOLITE_TOO_LONG', `The body of a request is longer than ${limit} bytes`);
}

/** The error of an application that took too long. */
export function appTimeout(timeout: number): IoliteError {
  return new IoliteError('ERR_IOLITE_TIMEOUT', `The application did not answer in ${timeout} ms`);
}
