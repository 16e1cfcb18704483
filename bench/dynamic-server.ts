/**
 * Answers what dynamic-app.ts does, by one of the ways that are compared: `dynamic-server.js <kind> <where>`.
 * Tells its parent the port.
 */
import cluster from 'node:cluster';
import { chmodSync } from 'node:fs';
import { createServer as createNodeServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from '../src/http/index.ts';

const [kind = '', where = ''] = process.argv.slice(2);
const CLUSTER_WORKERS = 2;
const kept = new Map<string, Buffer>();

const answer: RequestListener = ({ url = '' }, response) => {
  const [, how, size = '0'] = url.split('/');
  let body = how === 'made' ? undefined : kept.get(size);
  if (body === undefined) {
    body = Buffer.allocUnsafe(Number(size)).fill(120);
    kept.set(size, body);
  }
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': body.length });
  response.end(body);
};

function tell(port: number): void {
  process.send?.(port);
}

if (kind === 'iolite') {
  const module = new URL('./dynamic-app.js', import.meta.url);
  const server = createServer({ root: where, app: { module }, limits: { keepAliveTimeout: 60_000 } });
  await server.listen(0, '127.0.0.1');
  tell((server.address() as AddressInfo).port);
} else if (kind === 'node at a socket') {
  createNodeServer({ keepAliveTimeout: 60_000 }, answer).listen(where, () => {
    // nginx runs as nobody.
    chmodSync(where, 0o666);
    tell(0);
  });
} else if (kind === 'node') {
  const server = createNodeServer({ keepAliveTimeout: 60_000 }, answer).listen(0, '127.0.0.1', () =>
    tell((server.address() as AddressInfo).port),
  );
} else if (cluster.isPrimary) {
  for (let i = 0; i < CLUSTER_WORKERS; i++) cluster.fork();
  let listening = 0;
  cluster.on('listening', (_, { port }) => {
    listening += 1;
    if (listening === CLUSTER_WORKERS) tell(port as number);
  });
} else {
  createNodeServer({ keepAliveTimeout: 60_000 }, answer).listen(0, '127.0.0.1');
}
process.once('disconnect', () => process.exit());
