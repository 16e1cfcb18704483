/** A program that connects, asks the other side once, and says the answer, or the code of the error. */
import { type ConnectOptions, connect } from '../../../src/ipc/meet/connect.ts';

const [path = '', options = '{}'] = process.argv.slice(2);

try {
  await using channel = await connect(path, JSON.parse(options) as ConnectOptions);
  const { head, body } = await channel.request({ head: { pid: process.pid } });
  console.log(JSON.stringify({ head, body: body?.toString() ?? null, peer: channel.peer }));
  body?.release();
} catch (error) {
  console.log(JSON.stringify((error as NodeJS.ErrnoException).code));
}
