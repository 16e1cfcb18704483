import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { attachFastLane } from '../../../src/http/fast-lane/fast-lane.ts';
import type { Recipient } from '../../../src/http/message/exchange.ts';
import { textAnswer } from '../../../src/http/message/status-answer.ts';
import { watchdog } from '../../support/watchdog.ts';

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

test('an answer told within a request of another connection takes nothing from that', async () => {
  const waiting: Recipient[] = [];
  const asked: string[] = [];
  let wake = (): void => {};
  const server = createServer();
  const lane = attachFastLane(server, {
    answer: ({ target }, recipient) => {
      asked.push(target.slice(0, 10));
      if (target === '/wait') waiting.push(recipient);
      else {
        if (target === '/tell')
          for (const each of waiting.splice(0)) each.answered(textAnswer(200, 'text/plain', 'told', []));
        recipient.answered(textAnswer(200, 'text/plain', target.slice(0, 10), []));
      }
      wake();
      return { giveUp: () => {} };
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const waiter = await connected(port);
  const long = `GET /p${'p'.repeat(2000)} HTTP/1.1\r\nHost: a\r\nUser-Agent: ${'u'.repeat(5000)}\r\n\r\n`;
  waiter.write('GET /wait HTTP/1.1\r\nHost: a\r\n\r\n');
  while (waiting.length === 0)
    await new Promise<void>(resolve => {
      wake = resolve;
    });
  // More than is kept of a connection that waits: the rest is with the kernel.
  await new Promise(resolve => waiter.write(long.repeat(60), resolve));
  const teller = await connected(port);
  teller.write('GET /first HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(teller, 'data');
  teller.write(`GET /tell HTTP/1.1\r\nHost: a\r\n\r\nGET /mine HTTP/1.1\r\nHost: a\r\n\r\n`);
  let said = '';
  teller.on('data', bytes => {
    said += bytes;
    if (said.includes('/mine') || said.includes('/pppp')) wake();
  });
  const both = async (): Promise<void> => {
    while (!/\/mine|\/ppp/.test(said))
      await new Promise<void>(resolve => {
        wake = resolve;
      });
  };
  await watchdog(both(), 'both answers');
  assert.doesNotMatch(said, /ppp/);
  lane.close();
  waiter.destroy();
  teller.destroy();
  server.close();
});
