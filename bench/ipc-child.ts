import { parentChannel } from '../src/ipc/meet/fork.ts';
import type { Message } from '../src/ipc/message.ts';

const channel = parentChannel(process.argv[2] === 'busy' ? { busyPoll: 200 } : {});
let expected = 0;
let seen = 0;
let sum = 0;
let done: (() => void) | undefined;

const check = (): void => {
  if (seen < expected || done === undefined) return;
  seen -= expected;
  expected = 0;
  done();
  done = undefined;
};

channel.onRequest(({ head, body }) => {
  if (body !== undefined) return { body };
  return countTo((head as { expect: number }).expect);
});

async function countTo(count: number): Promise<Message> {
  expected = count;
  await new Promise<void>(resolve => {
    done = resolve;
    check();
  });
  return { head: { sum } };
}
for await (const { body } of channel) {
  if (body === undefined) continue;
  sum += body.at(0) + body.at(body.length - 1);
  body.release();
  seen += 1;
  check();
}
