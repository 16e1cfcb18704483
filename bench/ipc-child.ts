import { parentChannel } from '../src/ipc/fork.ts';

const channel = parentChannel();
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

channel.onRequest(async ({ head, body }) => {
  if (head === 'echo') return body === undefined ? undefined : { body };
  expected = (head as { expect: number }).expect;
  await new Promise<void>(resolve => {
    done = resolve;
    check();
  });
  return { head: { sum } };
});
for await (const { body } of channel) {
  if (body === undefined) continue;
  sum += body.at(0) + body.at(body.length - 1);
  body.release();
  seen += 1;
  check();
}
