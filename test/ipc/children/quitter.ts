/** A program that connects, and goes in the way it is told as soon as it is asked something. */
import { connect } from '../../../src/ipc/meet/connect.ts';

const [path = '', way = ''] = process.argv.slice(2);
const channel = await connect(path);
channel.on('close', () => {});
channel.onRequest(() => {
  if (way === 'exit') process.exit();
  if (way === 'kill') process.kill(process.pid, 'SIGKILL');
  if (way === 'destroy') channel.destroy();
  if (way === 'close') void channel.close();
  return new Promise<never>(() => {});
});
