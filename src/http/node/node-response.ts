import { ServerResponse } from 'node:http';
import { Http2ServerResponse } from 'node:http2';

/** A response of node:http or node:http2. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** Whether its client is gone. */
export function isGone(response: NodeResponse): boolean {
  return 'stream' in response ? response.stream.destroyed : response.destroyed;
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
    'stream' in response ||
    response.writeHead !== ServerResponse.prototype.writeHead ||
    isWrapped(response) ||
    response.listenerCount('finish') > OWN_LISTENERS ||
    response.listenerCount('prefinish') > 0 ||
    response.listenerCount('close') > 0
  );
}

/**
 * Whether a middleware stands in for the methods that the body is written with, as one that compresses, or
 * hashes.
 */
export function isWrapped(response: NodeResponse): boolean {
  const { write, end } = 'stream' in response ? Http2ServerResponse.prototype : ServerResponse.prototype;
  return response.write !== write || response.end !== end;
}
