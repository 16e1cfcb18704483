/**
 * A client that resumes: `tls-resume.js <port> <path> <count> <seconds>`. So many at a time connect, ask,
 * read the answer to its end, and connect again with the session that they were given. Tells its parent how
 * many requests that were, and how many of their connections were resumed.
 */
import { connect } from 'node:tls';

const [port, path, count, seconds] = process.argv.slice(2) as [string, string, string, string];
let requests = 0;
let resumed = 0;

function ask(session: Buffer | undefined): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    let next = session;
    const socket = connect({
      port: Number(port),
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
      ...(session === undefined ? {} : { session }),
    });
    socket.once('secureConnect', () => {
      if (socket.isSessionReused()) resumed++;
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
    });
    socket.on('session', given => {
      next = given;
    });
    socket.resume();
    socket.once('error', reject);
    socket.once('close', () => {
      requests++;
      resolve(next);
    });
  });
}

const start = performance.now();
const end = start + Number(seconds) * 1000;

async function askOn(): Promise<void> {
  let session: Buffer | undefined;
  while (performance.now() < end) session = await ask(session);
}

await Promise.all(Array.from({ length: Number(count) }, askOn));
process.send?.({ requests, resumed, seconds: (performance.now() - start) / 1000 });
