/**
 * A server of files, with the fast lane, and of an origin, that watches how long its event loop stands still.
 * Arguments: the folder, and the origin's URL. Says its port, then for every line how long it was.
 */
import { createInterface } from 'node:readline';
import { createServer } from '../../../src/http/server/server.ts';
import { Standstill } from '../../support/standstill.ts';

const [root = '', origin] = process.argv.slice(2);
const server = createServer({ root, ...(origin === undefined ? {} : { origin }) });
await server.listen(0, '127.0.0.1');
process.stdout.write(`${server.address()?.port}\n`);
const standstill = new Standstill();
for await (const _ of createInterface({ input: process.stdin })) {
  process.stdout.write(`${standstill.take()}\n`);
}
process.exit();
