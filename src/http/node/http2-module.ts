import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';

type Http2 = typeof import('node:http2');

/** node:http2, loaded where somebody speaks HTTP/2: that takes some 10 ms, which others are spared. */
export function http2Module(): Http2 {
  return process.getBuiltinModule('node:http2') as Http2;
}

/** Whether a request is of Node's own HTTP/2. */
export function isHttp2Request(request: IncomingMessage | Http2ServerRequest): request is Http2ServerRequest {
  return request.httpVersionMajor === 2 && request instanceof http2Module().Http2ServerRequest;
}

/** Whether a response is of Node's own HTTP/2. What stands in for one may have no request. */
export function isHttp2Response(
  response: ServerResponse | Http2ServerResponse,
): response is Http2ServerResponse {
  const { req } = response as { readonly req?: IncomingMessage | Http2ServerRequest };
  return req?.httpVersionMajor === 2 && response instanceof http2Module().Http2ServerResponse;
}
