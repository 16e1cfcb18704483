import { ServerResponse } from 'node:http';
import { isHttp2Response } from './http2-module.ts';
import { type NodeResponse, wayOf } from './response-way.ts';

/** Whether its client is gone. */
export function isGone(response: NodeResponse): boolean {
  return isHttp2Response(response) ? response.stream.destroyed : response.destroyed;
}

/** Whether nothing was said yet of the answer. */
export function isUntouched(response: NodeResponse): boolean {
  return response.statusCode === 200 && response.getHeaderNames().length === 0;
}

/** What node:http itself listens to of a response. */
const OWN_LISTENERS = 1;

/**
 * Whether somebody may look at the fields of a response: who stands in for its methods, or waits for its end,
 * as for a log.
 */
export function isWatched(response: NodeResponse): boolean {
  return (
    isHttp2Response(response) ||
    response.writeHead !== ServerResponse.prototype.writeHead ||
    wayOf(response) !== 'direct' ||
    response.listenerCount('finish') > OWN_LISTENERS ||
    response.listenerCount('prefinish') > 0 ||
    response.listenerCount('close') > 0
  );
}
