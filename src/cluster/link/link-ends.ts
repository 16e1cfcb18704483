import { IoliteError } from '../../base/error.ts';
import { cutOffError, failureOf, readReason } from '../../ipc/wire/failure.ts';
import type { Frame } from '../../ipc/wire/frame.ts';
import { peerGone } from './payloads.ts';

/** The error of sending on a link that was closed on this side. */
export function linkClosedError(): IoliteError {
  return new IoliteError('ERR_IOLITE_CLOSED', 'Cannot send message: the link is closed');
}

/** Codes that say what this side did wrong. All others are the peer's end. */
const FAULTS = new Set(['ERR_IOLITE_PROTOCOL', 'ERR_IOLITE_LIMIT', 'ERR_IOLITE_ACCESS']);

/** Why the peer has ended the link. */
export function endOf({ body }: Frame): IoliteError {
  const reason = failureOf(readReason(body, 0));
  return FAULTS.has(reason.code) ? cutOffError(reason) : peerGone(reason.message);
}
