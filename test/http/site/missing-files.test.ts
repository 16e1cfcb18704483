import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../../src/http/message/exchange.ts';
import { answerOf, handlerOf } from '../../../src/http/message/promised-answer.ts';
import { MissingFiles } from '../../../src/http/site/missing-files.ts';
import { requestFor, saidAtOnce } from '../support/asked.ts';

test('what is not there is looked for once, whatever the query; other methods always look', async context => {
  // It looks again after a second, which is not to pass.
  context.mock.method(performance, 'now', () => 1000);
  const asked: string[] = [];
  const found: Answer = { status: 200, headers: [], body: undefined };
  const site = new MissingFiles(
    handlerOf(async ({ method, target }) => {
      asked.push(`${method} ${target}`);
      return method === 'GET' && target === '/there' ? found : undefined;
    }),
  );
  const answers: unknown[] = [];
  for (const [method, target] of [
    ['GET', '/absent?a'],
    ['HEAD', '/absent?b'],
    ['GET', '/absent'],
    ['POST', '/there'],
    ['GET', '/there'],
    ['GET', '/there'],
  ] as const) {
    answers.push(await answerOf(site, requestFor(target, { method })));
  }
  assert.deepEqual(answers, [undefined, undefined, undefined, undefined, found, found]);
  assert.deepEqual(asked, ['GET /absent?a', 'POST /there', 'GET /there', 'GET /there']);
  assert.equal(saidAtOnce(site, requestFor('/absent')), 'declined');
  assert.equal(saidAtOnce(site, requestFor('/there')), 'pending');
});
