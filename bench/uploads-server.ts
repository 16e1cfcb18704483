/**
 * Answers what uploads-app.ts does, by one of the ways that are compared: `uploads-server.js <kind> <where>`.
 * Tells its parent the port.
 */
import { chmodSync } from 'node:fs';
import { createServer as createNodeServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from '../src/http/index.ts';

const [kind = '', where = ''] = process.argv.slice(2);

const answer: RequestListener = (request, response) => {
  let length = 0;
  let first = 0;
  let last = 0;
  request.on('data', (bytes: Buffer) => {
    if (length === 0) first = bytes[0] as number;
    last = bytes[bytes.length - 1] as number;
    length += bytes.length;
  });
  request.on('end', () => {
    const body = `${length} ${first} ${last}\n`;
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': body.length });
    response.end(body);
  });
};

function tell(port: number): void {
  process.send?.(port);
}

if (kind === 'iolite') {
  const module = new URL('./uploads-app.js', import.meta.url);
  const server = createServer({
    app: { module, maxBodyBytes: 64 * 1024 ** 2 },
    limits: { keepAliveTimeout: 60_000 },
  });
  await server.listen(0, '127.0.0.1');
  tell((server.address() as AddressInfo).port);
} else if (kind === 'node at a socket') {
  createNodeServer({ keepAliveTimeout: 60_000 }, answer).listen(where, () => {
    // nginx runs as nobody.
    chmodSync(where, 0o666);
    tell(0);
  });
} else {
  const server = createNodeServer({ keepAliveTimeout: 60_000 }, answer);
  server.listen(0, '127.0.0.1', () => tell((server.address() as AddressInfo).port));
}
process.once('disconnect', () => process.exit());
