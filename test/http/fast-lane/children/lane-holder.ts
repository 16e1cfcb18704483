/** A server with the fast lane. Says its port, then for every line how many bytes of memory are its own. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { LaneServer } from '../../../support/lane-server.ts';

const server = new LaneServer();
server.handler.file('/file', Buffer.alloc(8192));
process.stdout.write(`${await server.port()}\n`);
for await (const _ of createInterface({ input: process.stdin })) {
  globalThis.gc?.();
  const [, kibibytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
  process.stdout.write(`${Number(kibibytes) * 1024}\n`);
}
process.exit();
