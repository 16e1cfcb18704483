/**
 * Clients over TLS that read slowly: `tls-slow-clients.js <port> <path> <count> <bytes per second>`. Tells
 * its parent when all have begun to get their answers.
 */
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';

const [port, path, count, rate] = process.argv.slice(2) as [string, string, string, string];
const INTERVAL_MS = 500;
const BATCH_CONNECTIONS = 50;
const step = Math.max(1, Math.round((Number(rate) * INTERVAL_MS) / 1000));
const sockets: TLSSocket[] = [];

async function begin(): Promise<void> {
  const socket = connect({
    port: Number(port),
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  });
  sockets.push(socket);
  await once(socket, 'secureConnect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  await once(socket, 'readable');
}

for (let left = Number(count); left > 0; left -= BATCH_CONNECTIONS) {
  await Promise.all(Array.from({ length: Math.min(BATCH_CONNECTIONS, left) }, begin));
}
setInterval(() => {
  for (const socket of sockets) socket.read(Math.min(step, socket.readableLength));
}, INTERVAL_MS);
process.send?.('begun');
process.once('disconnect', () => process.exit());
