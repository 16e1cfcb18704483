import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Inbox } from '../../src/ipc/inbox.ts';

const item = (number: number): { readonly number: number } => ({ number });

test('items are taken in order, by those who wait first, and each is told as it is taken', async () => {
  let taken = 0;
  const inbox = new Inbox<{ readonly number: number }>(() => {
    taken += 1;
  });
  const iterator = inbox.iterate();
  const waiting = [iterator.next(), iterator.next()];
  for (let i = 0; i < 3000; i++) inbox.push(item(i));
  assert.equal(taken, 2);
  for (const [i, next] of waiting.entries()) assert.equal((await next).value?.number, i);
  for (let i = 2; i < 3000; i++) assert.equal((await iterator.next()).value?.number, i);
  assert.equal(taken, 3000);
});

test('what is here at the end can be taken still, or cleared, which takes nothing', async () => {
  let taken = 0;
  const inbox = new Inbox<{ readonly number: number }>(() => {
    taken += 1;
  });
  for (let i = 0; i < 4; i++) inbox.push(item(i));
  inbox.end();
  const iterator = inbox.iterate();
  assert.equal((await iterator.next()).value?.number, 0);
  assert.deepEqual(inbox.clear(), [item(1), item(2), item(3)]);
  assert.deepEqual(await iterator.next(), { value: undefined, done: true });
  assert.equal(taken, 1);
});

test('an accident rejects those who wait, and those who come after it', async () => {
  const inbox = new Inbox();
  const iterator = inbox.iterate();
  const waiting = iterator.next();
  inbox.end(new Error('as it went'));
  inbox.end();
  await assert.rejects(waiting, { message: 'as it went' });
  await assert.rejects(iterator.next(), { message: 'as it went' });
});
