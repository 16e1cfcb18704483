/**
 * Serves the files of a directory over TLS by one of the ways that are compared:
 * `https-server.js <kind> <root> <cert> <key> <path> ...`. Tells its parent the port. What is bare answers
 * the paths that are named, from memory.
 */
import { readFileSync } from 'node:fs';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import fastify from 'fastify';
import serveStatic from 'serve-static';
import sirv from 'sirv';

const [kind = '', root = '', cert = '', key = '', ...paths] = process.argv.slice(2);
const tls = { cert: readFileSync(cert), key: readFileSync(key) };

/** As little as can be done: one call for a prepared buffer. */
function bare() {
  const bodies = new Map(paths.map(path => [path, readFileSync(join(root, path))]));
  const fieldsOf = (body: Buffer) => ({
    'content-type': 'application/octet-stream',
    'content-length': body.length,
  });
  const server = createSecureServer({
    ...tls,
    allowHTTP1: true,
    // What it refuses by itself is no answer to compare with.
    maxSessionMemory: 1000,
  });
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const body = bodies.get(headers[':path'] ?? '') as Buffer;
    stream.on('error', () => {});
    stream.respond({ ':status': 200, ...fieldsOf(body) });
    stream.end(body);
  });
  server.on('request', (request, response) => {
    if (request.httpVersionMajor !== 1) return;
    const body = bodies.get(request.url) as Buffer;
    response.writeHead(200, fieldsOf(body));
    response.end(body);
  });
  return server;
}

async function start(): Promise<Server | ReturnType<typeof createSecureServer>> {
  switch (kind) {
    case 'bare node':
      return bare();
    case 'sirv': {
      const serve = sirv(root, { etag: true });
      return createServer(tls, (request, response) => serve(request, response));
    }
    case 'serve-static': {
      const serve = serveStatic(root);
      return createServer(tls, (request, response) =>
        serve(request, response, () => response.writeHead(404).end()),
      );
    }
    case '@fastify/static': {
      const app = fastify({ http2: true, https: { ...tls, allowHTTP1: true, maxSessionMemory: 1000 } });
      await app.register(fastifyStatic, { root });
      await app.ready();
      return app.server as ReturnType<typeof createSecureServer>;
    }
    default:
      throw new Error(`There is no server ${kind}`);
  }
}

const server = await start();
(server as Server).keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', 511, () => process.send?.((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit());
