/**
 * A worker for the supervisor's tests: greets each connection with its process id and closes it. The second
 * argument says how it behaves.
 */

import { createServer } from 'node:net';
import { inheritedDescriptors, parentChannel } from '../../../src/ipc/meet/fork.ts';

const [mode] = process.argv.slice(2);
if (mode === 'fails') process.exit(3);

process.on('SIGTERM', () => {
  if (mode !== 'stubborn') process.exit(0);
});
const channel = parentChannel();
channel.once('close', () => process.exit(0));
const server = createServer(socket => socket.end(`${process.pid}`));
server.listen({ fd: inheritedDescriptors()[0] as number }, () => {
  void channel.request({ head: 'serving' });
});
