/**
 * Clients that read slowly: `http-slow-clients.js <port> <path> <count> <bytes per second>`. They read from
 * the kernel's queue themselves, so that what is unread waits there, as it would with a client far away.
 * Tells its parent when all have begun to get their answers.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { descriptorOf, stopReading } from '../src/os/node-socket.ts';
import { receiveNow } from '../src/os/socket.ts';

const [port, path, count, rate] = process.argv.slice(2) as [string, string, string, string];
const INTERVAL_MS = 250;
const room = Buffer.alloc(Math.round((Number(rate) * INTERVAL_MS) / 1000));
const fds: number[] = [];

async function begin(): Promise<void> {
  const socket: Socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  stopReading(socket);
  fds.push(descriptorOf(socket));
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
}

for (let left = Number(count); left > 0; left -= 50) {
  await Promise.all(Array.from({ length: Math.min(50, left) }, begin));
}
setInterval(() => {
  for (const fd of fds) receiveNow(fd, room);
}, INTERVAL_MS);
process.send?.('begun');
process.once('disconnect', () => process.exit());
