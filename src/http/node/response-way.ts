import { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import { Socket } from 'node:net';
import { http2Module, isHttp2Response } from './http2-module.ts';

/** A response of node:http or node:http2. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/**
 * Who is between a response and its client:
 * - 'direct': nobody but Node. Bytes may go into the socket, past the response's methods.
 * - 'ordinary': something else than a connection is below: a stand-in of tests, of a function in the cloud,
 *   or any stream. It gets all bytes as they are, by the response's own methods.
 * - 'changed': somebody above stands in for write(), as one who compresses. What is sent may not be what was
 *   written.
 */
export type ResponseWay = 'direct' | 'ordinary' | 'changed';

/** As Node made them: whoever exchanges them later wants to see what is written. */
const OWN = methodsOf(ServerResponse.prototype);
/** Of HTTP/2, from the first response of that on. */
let ownOfHttp2: typeof OWN | undefined;
const { write: WRITE } = Socket.prototype;

/**
 * Who is between a response and its client. The one answer to whether bytes may go past the response, its
 * entity tag may be strong, and parts of it may be sent.
 *
 * Who stands in for end() alone changes nothing: bodies are written before it, then.
 */
export function wayOf(response: NodeResponse): ResponseWay {
  const isHttp2 = isHttp2Response(response);
  const own = isHttp2 ? methodsOfHttp2() : OWN;
  if (response.write !== own.write && !isOfClass(response, 'write')) return 'changed';
  if (response.write !== own.write || response.end !== own.end) return 'ordinary';
  return isHttp2 || isOwnSocket(response.socket) ? 'direct' : 'ordinary';
}

function methodsOfHttp2(): typeof OWN {
  ownOfHttp2 ??= methodsOf(http2Module().Http2ServerResponse.prototype);
  return ownOfHttp2;
}

/**
 * Whether a socket is one of Node's, whose bytes nobody looks at. In a queue of pipelined responses only the
 * first has one.
 */
function isOwnSocket(socket: unknown): boolean {
  return socket === null || (socket instanceof Socket && socket.write === WRITE);
}

/**
 * Whether a method is that of the response's class: then the class is where bytes arrive. Otherwise somebody
 * has put it before another.
 */
function isOfClass(response: NodeResponse, name: string): boolean {
  let owner: object = response;
  while (!Object.hasOwn(owner, name)) owner = Object.getPrototypeOf(owner) as object;
  return owner !== response && owner.constructor?.prototype === owner;
}

function methodsOf({ write, end }: NodeResponse): Pick<NodeResponse, 'write' | 'end'> {
  return { write, end } as Pick<NodeResponse, 'write' | 'end'>;
}
