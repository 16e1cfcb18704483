import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Aggregate } from '../../../../src/aggregate/aggregate.ts';
import {
  isStatusPage,
  StatusPages,
  withoutStatusPages,
} from '../../../../src/cli/serve/observe/status-pages.ts';
import type { Answer, ServerRequest } from '../../../../src/http/message/exchange.ts';
import { answerOf } from '../../../../src/http/message/promised-answer.ts';
import { STATUS_PAGE } from '../../../../src/observe/page.ts';
import type { Status } from '../../../../src/observe/status.ts';

function request(target: string, method = 'GET'): ServerRequest {
  return { method, target } as ServerRequest;
}

function textOf({ body }: Answer): string {
  assert.ok(Aggregate.isAggregate(body));
  using text = body;
  return text.toString();
}

test('the page, and the figures that it shows, are two targets, whatever the query', async () => {
  const status = { files: 7 } as unknown as Status;
  const pages = new StatusPages(async () => status);
  for (const [target, text] of [
    ['/_iolite', STATUS_PAGE],
    ['/_iolite?a', STATUS_PAGE],
    ['/_iolite/status.json', '{"files":7}'],
    ['/_iolite/status.json?a=b', '{"files":7}'],
  ] as const) {
    assert.equal(isStatusPage(request(target)), true);
    const answer = (await answerOf(pages, request(target))) as Answer;
    assert.equal(answer.status, 200);
    assert.ok(answer.headers.join().includes('Cache-Control,no-store'));
    assert.equal(textOf(answer), text);
  }
  for (const target of ['/', '/_iolite/', '/_iolite/status', '/_iolitex', '/a?/_iolite']) {
    assert.equal(isStatusPage(request(target)), false);
    assert.equal(await answerOf(pages, request(target)), undefined);
  }
});

test('they are only read, and figures that cannot be had are 503', async () => {
  const pages = new StatusPages(() => Promise.reject(new Error('the primary is gone')));
  assert.equal((await answerOf(pages, request('/_iolite', 'POST')))?.status, 405);
  assert.equal((await answerOf(pages, request('/_iolite', 'HEAD')))?.status, 200);
  assert.equal((await answerOf(pages, request('/_iolite/status.json')))?.status, 503);
});

test('a listener hears of all answers but for those that show the status', () => {
  const heard: string[] = [];
  const listener = withoutStatusPages({
    wantsDuration: true,
    answered: ({ request: { target } }) => heard.push(target),
  });
  assert.equal(listener.wantsDuration, true);
  const outcome = {
    method: 'GET',
    lane: 'lane',
    httpVersion: '1.1',
    status: 200,
    bytes: 0,
    duration: 0,
    remoteAddress: undefined,
  } as const;
  for (const target of ['/', '/_iolite', '/_iolite/status.json?a', '/_iolite/other']) {
    listener.answered({ request: request(target), ...outcome });
  }
  assert.deepEqual(heard, ['/', '/_iolite/other']);
});

test('of answers that are repeated the request is not looked at: they show no status', () => {
  let heard = 0;
  const listener = withoutStatusPages({ wantsDuration: false, answered: () => heard++ });
  const outcome = {
    method: 'GET',
    lane: 'lane',
    httpVersion: '1.1',
    status: 200,
    bytes: 0,
    duration: 0,
    remoteAddress: undefined,
  } as const;
  listener.answered({
    ...outcome,
    isRepeated: true,
    get request(): never {
      return assert.fail('it was asked for');
    },
  });
  assert.equal(heard, 1);
});
