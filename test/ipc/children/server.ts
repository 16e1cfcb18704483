/**
 * A program that listens on a path and sends back what it is asked. Says 'listening' or the code of the
 * error.
 */
import { Endpoint } from '../../../src/ipc/meet/endpoint.ts';
import { type ListenOptions, listen } from '../../../src/ipc/meet/listen.ts';

const [path = '', options = '{}'] = process.argv.slice(2);
const say = (what: unknown): void => void process.stdout.write(`${JSON.stringify(what)}\n`);

const endpoint = await listen(path, JSON.parse(options) as ListenOptions).catch(
  error => error.code as string,
);
say(endpoint instanceof Endpoint ? 'listening' : endpoint);
if (endpoint instanceof Endpoint) {
  // A parent that is gone ends us.
  process.stdin.on('close', () => process.exit()).resume();
  for await (const channel of endpoint) {
    channel.on('close', () => {});
    channel.onRequest(({ head, body }) => ({
      head: { echo: head, peer: { ...channel.peer }, pid: process.pid },
      ...(body === undefined ? {} : { body }),
    }));
  }
}
