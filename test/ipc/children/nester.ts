/** A thread that starts a thread of its own, and passes on to it what it is sent. */
import { parentChannel } from '../../../src/ipc/meet/fork.ts';
import { Threads } from '../../support/threads.ts';

const channel = parentChannel();
const threads = new Threads();
const { channel: inner } = await threads.spawn(new URL('./holder.ts', import.meta.url));
channel.onRequest(async message => {
  const answer = await inner.request(message);
  message.body?.release();
  return answer;
});
