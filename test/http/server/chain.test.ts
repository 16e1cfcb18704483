import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Handler, ServerRequest, Underway } from '../../../src/http/message/exchange.ts';
import { Chain } from '../../../src/http/server/chain.ts';

const ANSWER: Answer = { status: 200, headers: [], body: undefined };
const REQUEST: ServerRequest = {
  method: 'GET',
  target: '/',
  secure: false,
  remoteAddress: undefined,
  rawHeaders: [],
  body: undefined,
  header: () => undefined,
};
const underway: Underway = { giveUp: () => {} };

const silent: Handler = { answer: async () => undefined };
const declining: Handler = { ...silent, declines: () => true };
const telling: Handler = {
  answer: async () => ANSWER,
  answerTo: (_, recipient) => {
    setImmediate(() => recipient.answered(ANSWER));
    return underway;
  },
};

test('answerTo() goes to the first that does not decline, and only where that one takes it', async () => {
  const cases: [Handler[], boolean][] = [
    [[telling], true],
    [[declining, telling], true],
    [[silent, telling], false],
    [[declining, declining], false],
    [[], false],
  ];
  for (const [handlers, isTaken] of cases) {
    const answers: Answer[] = [];
    const taken = new Chain(handlers).answerTo(REQUEST, { answered: answer => answers.push(answer) });
    assert.equal(taken, isTaken ? underway : undefined);
    await new Promise(setImmediate);
    assert.deepEqual(answers, isTaken ? [ANSWER] : []);
  }
});

test('answer() is the first that there is', async () => {
  const { signal } = new AbortController();
  assert.equal(await new Chain([silent, declining, telling]).answer(REQUEST, signal), ANSWER);
  assert.equal(await new Chain([silent]).answer(REQUEST, signal), undefined);
});
