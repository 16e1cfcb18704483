import { ServerResponse } from 'node:http';
import { Http2ServerResponse } from 'node:http2';

/** A response of node:http or node:http2. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** Whether its client is gone. */
export function isGone(response: NodeResponse): boolean {
  return 'stream' in response ? response.stream.destroyed : response.destroyed;
}

/** Whether a middleware stands in for the methods that the body is written with, as one that compresses, or hashes. */
export function isWrapped(response: NodeResponse): boolean {
  const { write, end } = 'stream' in response ? Http2ServerResponse.prototype : ServerResponse.prototype;
  return response.write !== write || response.end !== end;
}
