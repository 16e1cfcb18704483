import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusPages } from '../../../src/cli/serve/status-pages.ts';
import { WorkerHandler } from '../../../src/cli/serve/worker-handler.ts';
import type { Answer, Handler, ServerRequest } from '../../../src/http/message/exchange.ts';
import type { Status } from '../../../src/observe/status.ts';

const { signal } = new AbortController();
const pages = new StatusPages(async () => ({}) as Status);

function request(target: string): ServerRequest {
  return { method: 'GET', target } as ServerRequest;
}

/** Answers /now at once, /told through a recipient, /later by a promise, and nothing else. */
const content: Handler = {
  answerNow: ({ target }) => (target === '/now' ? answer() : undefined),
  answerTo: ({ target }, recipient) => {
    if (target !== '/told') return undefined;
    recipient.answered(answer());
    return { giveUp: () => {} };
  },
  answer: async ({ target }) => (target === '/later' ? answer() : undefined),
};

function answer(): Answer {
  return { status: 200, headers: ['X-A', 'b'], body: undefined };
}

/** What an answer by any way is. */
async function answersOf(handler: WorkerHandler, target: string): Promise<(Answer | undefined)[]> {
  let told: Answer | undefined;
  handler.answerTo(request(target), {
    answered: each => {
      told = each;
    },
  });
  return [handler.answerNow(request(target)), told, await handler.answer(request(target), signal)];
}

test('requests are counted, in whatever way they are answered, but for those for the status', async () => {
  const handler = new WorkerHandler(pages, content, false);
  for (const [target, requests] of [
    // Each is asked in all three ways, of which the last always is a request.
    ['/now', 2],
    ['/told', 4],
    ['/later', 5],
    ['/none', 6],
    ['/_iolite', 6],
    ['/_iolite/status.json', 6],
  ] as const) {
    await answersOf(handler, target);
    assert.equal(handler.requests, requests, target);
  }
});

test('answers say which process they are of, where that is wanted', async () => {
  const own = ['X-A', 'b', 'X-Iolite-Worker', String(process.pid)];
  for (const [identify, headers] of [
    [true, own],
    [false, ['X-A', 'b']],
  ] as const) {
    const handler = new WorkerHandler(pages, content, identify);
    const [now] = await answersOf(handler, '/now');
    const [, told] = await answersOf(handler, '/told');
    const [, , later] = await answersOf(handler, '/later');
    for (const each of [now, told, later]) assert.deepEqual(each?.headers, headers);
    assert.deepEqual(await answersOf(handler, '/none'), [undefined, undefined, undefined]);
  }
});
