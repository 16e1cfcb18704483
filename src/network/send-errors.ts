import { IoliteError } from '../base/error.ts';

/**
 * What writes fail with that were under way when their stream was destroyed: it differs with the version of
 * Node.
 */
const CANCELLED: readonly unknown[] = ['ECANCELED', 'ERR_STREAM_DESTROYED'];

/** The error of a stream that closed, or was ended, while an aggregate was being sent. */
export function closedEarly(): IoliteError {
  return new IoliteError('ERR_IOLITE_PEER', 'Cannot send aggregate: the stream closed before its end');
}

/** What a write failed with, told the same way by every version of Node. */
export function writeFailure(error: NodeJS.ErrnoException): Error {
  return CANCELLED.includes(error.code) ? closedEarly() : error;
}
