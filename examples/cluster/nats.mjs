import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** A port that nobody listens on. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A NATS server of the demonstration's own, which keeps its streams in a folder. Dispose of it to end it. */
export async function startNats(folder) {
  const port = await freePort();
  const options = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', join(folder, 'nats')];
  const child = spawn('nats-server', options, { stdio: 'ignore' });
  const failed = once(child, 'error').then(([{ message }]) => {
    throw new Error(`Cannot start nats-server (${message}). In Debian: apt-get install nats-server`);
  });
  await Promise.race([once(child, 'spawn'), failed]);
  return { url: `nats://127.0.0.1:${port}`, [Symbol.dispose]: () => void child.kill('SIGKILL') };
}
