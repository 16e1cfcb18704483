import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { AppGateway } from '../../../src/http/app/server-side/app-gateway.ts';
import type { Answer, ServerRequest } from '../../../src/http/message/exchange.ts';
import { answerOf } from '../../../src/http/message/promised-answer.ts';
import { attachProxy } from '../../../src/http/proxy/attached-proxy.ts';
import { ProxyHost } from '../../../src/http/proxy/proxy-host.ts';
import { connect } from '../../../src/ipc/meet/connect.ts';
import { watchdog } from '../../support/watchdog.ts';
import { saidAtOnce } from '../support/asked.ts';

function get(target: string, fields: Record<string, string> = {}): ServerRequest {
  const headers: Record<string, string> = { host: 'a', ...fields };
  return {
    method: 'GET',
    target,
    secure: false,
    remoteAddress: undefined,
    rawHeaders: Object.entries(headers).flat(),
    header: name => headers[name],
    body: undefined,
  };
}

async function textOf(answer: Answer | undefined): Promise<string> {
  const { body } = answer ?? {};
  const pieces = body === undefined ? [] : Aggregate.isAggregate(body) ? [body] : body;
  let text = '';
  for await (const piece of pieces) {
    using taken = piece;
    text += taken.toString();
  }
  return `${answer?.status} ${text}`;
}

test('a host asks the origin for other domains, and serves them what it keeps', async () => {
  const asked: string[] = [];
  const origin = createServer(({ url = '' }, response) => {
    asked.push(url);
    if (url === '/kept') response.setHeader('Cache-Control', 'max-age=3600');
    response.end(`of ${url}`);
  });
  await once(origin.listen(0, '127.0.0.1'), 'listening');
  const { port } = origin.address() as AddressInfo;
  const failed = (error: unknown): void => assert.fail(String(error));
  const host = await ProxyHost.start({ origin: `http://127.0.0.1:${port}`, budget: 1 << 22 }, failed);
  try {
    const { requests, responses } = host.addresses;
    const gateway = new AppGateway();
    await gateway.connect(requests);
    await using channel = await connect(responses);
    const proxy = await attachProxy(channel, gateway);
    for (const target of ['/kept', '/kept', '/other', '/other']) {
      const answer = await watchdog(answerOf(proxy, get(target)), 'an answer');
      assert.equal(await textOf(answer), `200 of ${target}`);
    }
    assert.deepEqual(asked, ['/kept', '/other', '/other']);
    // What was asked for is held here from then on.
    assert.equal(await textOf(saidAtOnce(proxy, get('/kept')) as Answer), '200 of /kept');
    assert.equal(saidAtOnce(proxy, get('/other')), 'pending');
    proxy.close();
    gateway.close();
  } finally {
    await watchdog(host.close(), 'the host to close');
    origin.closeAllConnections();
    origin.close();
  }
});

test('other domains name what is kept as the host does, believing who it believes', async () => {
  const origin = createServer(({ headers }, response) => {
    response.setHeader('Cache-Control', 'max-age=3600');
    response.end(`of ${headers['x-forwarded-proto']} ${headers['x-forwarded-host']}`);
  });
  await once(origin.listen(0, '127.0.0.1'), 'listening');
  const { port } = origin.address() as AddressInfo;
  const options = { origin: `http://127.0.0.1:${port}`, budget: 1 << 22, trustForwarded: true };
  const host = await ProxyHost.start(options, error => assert.fail(String(error)));
  try {
    const gateway = new AppGateway();
    await gateway.connect(host.addresses.requests);
    await using channel = await connect(host.addresses.responses);
    const proxy = await attachProxy(channel, gateway);
    const [one, other] = ['b', 'c'].map(name =>
      get('/', { 'x-forwarded-host': name, 'x-forwarded-proto': 'https' }),
    ) as [ServerRequest, ServerRequest];
    for (const [request, expected] of [
      [one, '200 of https b'],
      [other, '200 of https c'],
      [one, '200 of https b'],
      [get('/'), '200 of http a'],
    ] as const) {
      assert.equal(await textOf(await watchdog(answerOf(proxy, request), 'an answer')), expected);
    }
    // What it had was held here from then on, and is of this host and scheme alone.
    const until = Array.from({ length: 100 });
    for (const _ of until) await watchdog(answerOf(proxy, one), 'an answer').then(textOf);
    assert.equal(await textOf(saidAtOnce(proxy, one) as Answer), '200 of https b');
    assert.equal(saidAtOnce(proxy, get('/', { 'x-forwarded-host': 'd' })), 'pending');
    proxy.close();
    gateway.close();
  } finally {
    await watchdog(host.close(), 'the host to close');
    origin.closeAllConnections();
    origin.close();
  }
});
