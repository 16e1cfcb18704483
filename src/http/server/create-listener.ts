import { HttpServer, type HttpServerOptions } from './http-server.ts';
import type { Listener } from './listener.ts';

/**
 * What listens for a server: HTTP/1.1, with TLS that and HTTP/2. Here it is decided, for createServer() and
 * the workers of `iolite serve`.
 * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE; what TLS says of a certificate or key
 */
export function createListener(options: HttpServerOptions): Listener {
  return new HttpServer(options);
}
