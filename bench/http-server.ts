/**
 * Serves the files of a directory by one of the ways that are compared: `http-server.js <kind> <root>`. Tells
 * its parent the port. All answer from a warm page cache or from memory, without logs, one process each.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastifyStatic from '@fastify/static';
import fastify from 'fastify';
import serveStaticPackage from 'serve-static';
import sirv from 'sirv';
import { createFileCache } from '../src/file/index.ts';
import { attachFastLane, createSite, serveStatic } from '../src/http/index.ts';
import { createPool } from '../src/index.ts';

const [kind = '', root = ''] = process.argv.slice(2);
const BUDGET_BYTES = 512 * 1024 ** 2;

function iolite(): Server {
  // As `iolite serve` has it.
  const pool = createPool({ name: 'cache', limit: BUDGET_BYTES, refill: false });
  const handler = createSite(root, { cache: createFileCache({ budget: BUDGET_BYTES, pool }) });
  const server = createServer((_request, response) => response.writeHead(404).end());
  attachFastLane(server, handler);
  return server;
}

async function start(): Promise<Server> {
  switch (kind) {
    case 'iolite':
      return iolite();
    case 'serveStatic of iolite':
      return createServer(serveStatic(root, { cache: createFileCache({ budget: BUDGET_BYTES }) }));
    case 'sirv': {
      const serve = sirv(root, { etag: true });
      return createServer((request, response) => serve(request, response));
    }
    case 'serve-static': {
      const serve = serveStaticPackage(root);
      return createServer((request, response) =>
        serve(request, response, () => response.writeHead(404).end()),
      );
    }
    case '@fastify/static': {
      const app = fastify();
      await app.register(fastifyStatic, { root });
      await app.ready();
      return app.server;
    }
    default:
      throw new Error(`There is no server ${kind}`);
  }
}

const server = await start();
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', 511, () => process.send?.((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit());
