import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool } from '../../../../src/aggregate/pool.ts';
import type { Json } from '../../../../src/base/json.ts';
import { BodyKind, decodeAnswer, encodeRequest } from '../../../../src/http/app/app-protocol.ts';
import type { AppRequest } from '../../../../src/http/app/app-side/app-request.ts';
import { AppSession } from '../../../../src/http/app/app-side/app-session.ts';
import type { AppHandler } from '../../../../src/http/app/app-side/application.ts';
import { SiteCache } from '../../../../src/http/app/app-side/site-cache.ts';
import type { ServerRequest } from '../../../../src/http/message/exchange.ts';
import { ChannelPair } from '../../../support/channel-pair.ts';
import { watchdog } from '../../../support/watchdog.ts';

/** A session with a handler, and who asks it. */
class Asked implements Disposable {
  readonly pair = new ChannelPair();
  readonly pool = createPool({ name: 'answers' });
  readonly failures: unknown[] = [];

  constructor(handler: AppHandler) {
    const failed = (error: unknown): void => void this.failures.push(error);
    const cache = new SiteCache(this.pair.far, undefined);
    new AppSession(this.pair.far, { handler, pool: this.pool, cache, failed });
  }

  async ask(
    method: string,
    body?: string,
    head: Json = headOf(method, body),
  ): Promise<[number, string, string]> {
    using bytes = body === undefined ? undefined : this.pool.from(body);
    const message = bytes === undefined ? { head } : { head, body: bytes };
    const answer = await watchdog(this.pair.near.request(message), 'an answer');
    using taken = answer.body;
    const { status, headers } = decodeAnswer(answer.head);
    return [status, headers.join(' '), taken?.toString() ?? ''];
  }

  [Symbol.dispose](): void {
    this.pair[Symbol.dispose]();
    this.pool.close();
  }
}

function headOf(method: string, body: string | undefined): Json {
  const request = { method, target: '/t', secure: false, rawHeaders: ['Host', 'a'] };
  return encodeRequest(
    request as unknown as ServerRequest,
    body === undefined ? BodyKind.NONE : BodyKind.WHOLE,
  );
}

test('what an application answers with, at once or later, is sent with its length', async () => {
  for (const later of [false, true]) {
    const respond: AppHandler = request => ({
      body: request.method === 'HEAD' ? undefined : `${request.method} ${request.header('host')}`,
      headers: { 'X-A': 'b', Date: 'now' },
    });
    using asked = new Asked(later ? async request => respond(request) : respond);
    const [status, headers, text] = await asked.ask('GET');
    assert.deepEqual([status, text], [200, 'GET a']);
    assert.match(headers, /X-A b Date now.* Content-Length 5/);
    const [, without] = await asked.ask('HEAD');
    assert.doesNotMatch(without, /Content-Length/);
  }
});

test('the body that came with a request is there until the answer', async () => {
  let late: AppRequest | undefined;
  using asked = new Asked(async request => {
    late = request;
    return { body: await request.read() };
  });
  assert.deepEqual((await asked.ask('POST', 'a body')).at(-1), 'a body');
  await assert.rejects((late as AppRequest).read(), { code: 'ERR_IOLITE_ARGUMENT' });
});

test('what an application throws, and what is no answer, fails the request and is told', async () => {
  for (const [handler, message] of [
    [() => assert.fail('at once'), 'at once'],
    [async () => assert.fail('later'), 'later'],
    [() => 7 as never, /a response is wanted, 7 was given/],
    [() => ({ status: 99 }), /200 to 599 is wanted, 99 was given/],
  ] as const) {
    using asked = new Asked(handler);
    await assert.rejects(asked.ask('GET'), { code: 'ERR_IOLITE_APPLICATION' });
    const [failure] = asked.failures;
    assert.match((failure as Error).message, new RegExp(message));
  }
});

test('a head that is none is the fault of the server, and no failure of the application', async () => {
  using asked = new Asked(() => ({ body: 'never' }));
  await assert.rejects(asked.ask('GET', undefined, ['GET']), { code: 'ERR_IOLITE_PROTOCOL' });
  assert.deepEqual(asked.failures, []);
});
