import { IoliteError } from '../os/error.ts';

/** The error of a stream that closed, or was ended, while an aggregate was being sent. */
export function closedEarly(): IoliteError {
  return new IoliteError('ERR_IOLITE_PEER', 'Cannot send aggregate: the stream closed before its end');
}
