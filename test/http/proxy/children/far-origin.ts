/** An origin in a process of its own, whose calls nobody makes fail. Says its port; ends with its input. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const server = createServer((request, response) => {
  const length = Number(request.url?.slice(1));
  response.writeHead(200, { 'Cache-Control': 'no-store' }).end(Buffer.alloc(length, 'origin '));
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
process.stdin.resume().on('end', () => process.exit(0));
