import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdentifiedHandler } from '../../../src/cli/serve/identified-handler.ts';
import { answerOf, handlerOf } from '../../../src/http/message/promised-answer.ts';
import { requestFor } from '../../http/support/asked.ts';

test('answers say which process they are of; what is declined or fails stays what it is', async () => {
  const handler = new IdentifiedHandler(
    handlerOf(async ({ target }) => {
      if (target === '/fails') throw new Error('a bug');
      return target === '/' ? { status: 200, headers: ['X-A', 'b'], body: undefined } : undefined;
    }),
  );
  const answer = await answerOf(handler, requestFor('/'));
  assert.deepEqual(answer?.headers, ['X-A', 'b', 'X-Iolite-Worker', String(process.pid)]);
  assert.equal(await answerOf(handler, requestFor('/other')), undefined);
  await assert.rejects(answerOf(handler, requestFor('/fails')), /a bug/);
});
