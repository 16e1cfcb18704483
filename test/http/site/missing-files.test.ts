import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, ServerRequest } from '../../../src/http/message/exchange.ts';
import { Absences } from '../../../src/http/site/missing-files.ts';

const { signal } = new AbortController();

function request(method: string, target: string): ServerRequest {
  return {
    method,
    target,
    secure: false,
    remoteAddress: undefined,
    rawHeaders: [],
    body: undefined,
    header: () => undefined,
  };
}

test('what is not there is looked for once, whatever the query; other methods always look', async context => {
  // It looks again after a second, which is not to pass.
  context.mock.method(performance, 'now', () => 1000);
  const asked: string[] = [];
  const found: Answer = { status: 200, headers: [], body: undefined };
  const site = new Absences({
    answer: async ({ method, target }) => {
      asked.push(`${method} ${target}`);
      return method === 'GET' && target === '/there' ? found : undefined;
    },
  });
  const answers: unknown[] = [];
  for (const [method, target] of [
    ['GET', '/absent?a'],
    ['HEAD', '/absent?b'],
    ['GET', '/absent'],
    ['POST', '/there'],
    ['GET', '/there'],
    ['GET', '/there'],
  ] as const) {
    answers.push(await site.answer(request(method, target), signal));
  }
  assert.deepEqual(answers, [undefined, undefined, undefined, undefined, found, found]);
  const declined = [request('GET', '/absent'), request('POST', '/absent'), request('GET', '/there')];
  assert.deepEqual(
    declined.map(each => site.declines(each)),
    [true, false, false],
  );
  assert.deepEqual(asked, ['GET /absent?a', 'POST /there', 'GET /there', 'GET /there']);
});
