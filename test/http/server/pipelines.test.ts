import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Answer, Handler } from '../../../src/http/message/exchange.ts';
import { HttpServer } from '../../../src/http/server/http-server.ts';
import { Pipelines } from '../../../src/http/server/pipelines.ts';
import { watchdog } from '../../support/watchdog.ts';
import { get } from '../support/site-server.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\nX-Unknown: 1\r\n\r\n';

/** A server whose answers wait, and those that are given up. */
async function waiting(t: TestContext) {
  const answers: (() => void)[] = [];
  const leaving = new EventEmitter();
  const handler: Handler = {
    answer: ({ target }, recipient) => {
      const answer: Answer = { status: 204, headers: [], body: undefined };
      if (target === '/now') recipient.answered(answer);
      else answers.push(() => recipient.answered(answer));
      return { giveUp: () => leaving.emit('left') };
    },
  };
  const server = new HttpServer({ handler });
  await server.listen({ port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const client = connect(port, '127.0.0.1');
  return { port, answers, leaving, client };
}

test('of a connection so many requests are answered beside each other, in order', async t => {
  const { port, answers, client } = await waiting(t);
  client.write(REQUEST.repeat(2000));
  let answered = 0;
  let last = '';
  client.on('data', bytes => {
    const pieces = (last + bytes.toString('latin1')).split('\r\n\r\n');
    last = pieces.pop() as string;
    answered += pieces.length;
  });
  let begun = 0;
  while (answered < 2000) {
    // Others come through meanwhile.
    assert.equal((await get(port, '/now')).status, 204);
    const now = answers.splice(0);
    assert.ok(now.length <= 32, `${now.length} at once`);
    begun += now.length;
    for (const answer of now) answer();
  }
  assert.equal(begun, 2000);
  client.destroy();
});

test('what waits behind them is not even read, until some are answered', async t => {
  const { port, answers, client, leaving } = await waiting(t);
  client.resume();
  // More than the kernel's buffers hold.
  client.write(REQUEST.repeat(500_000));
  while (answers.length < 32) assert.equal((await get(port, '/now')).status, 204);
  for (let i = 0; i < 50; i++) assert.equal((await get(port, '/now')).status, 204);
  assert.ok(client.writableLength > 0, 'the client waits');
  // More than one read brings.
  for (let answered = 0; answered < 5000; ) {
    const now = answers.splice(0);
    answered += now.length;
    for (const answer of now) answer();
    await get(port, '/now');
  }
  // Nothing is read of the end of a client either, which is noticed all the same.
  while (answers.length < 32) await get(port, '/now');
  const left = once(leaving, 'left');
  client.resetAndDestroy();
  await watchdog(left, 'the handlers to be told that the client has left');
});

test('Pipelines begins with a request at once where nothing is before it', () => {
  const pipelines = new Pipelines();
  const message = { socket: new Socket(), method: 'GET', headers: {} };
  const response = { once: () => {}, destroyed: false };
  let begun = 0;
  pipelines.enter(message as never, response as never, () => {
    begun += 1;
  });
  assert.equal(begun, 1);
});
