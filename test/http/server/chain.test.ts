import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { Answer, Handler, Recipient } from '../../../src/http/message/exchange.ts';
import { answerOf, handlerOf } from '../../../src/http/message/promised-answer.ts';
import { Chain } from '../../../src/http/server/chain.ts';
import { watchdog } from '../../support/watchdog.ts';
import { requestFor, saidAtOnce } from '../support/asked.ts';

const ANSWER: Answer = { status: 200, headers: [], body: undefined };
const REQUEST = requestFor('/');

/** Handlers that answer, decline and fail: at once, and later. */
function tells(how: (recipient: Recipient) => void): readonly [now: Handler, later: Handler] {
  const now: Handler = {
    answer: (_, recipient) => {
      how(recipient);
      return undefined;
    },
  };
  const later: Handler = {
    answer: (_, recipient) => {
      setImmediate(() => how(recipient));
      return { giveUp: () => {} };
    },
  };
  return [now, later];
}

const answering = tells(recipient => recipient.answered(ANSWER));
const declining = tells(recipient => recipient.declined());
const failing = tells(recipient => recipient.failed(new Error('a bug')));
const throwing: Handler = {
  answer: () => {
    throw new Error('a bug');
  },
};
const untold: Handler = {
  answer: () => assert.fail('it was asked'),
};

test('the first handler of a chain that has an answer gives it, at once or later', async () => {
  for (const first of [[], [declining[0]], [declining[1]], [declining[0], declining[1], declining[0]]]) {
    for (const last of answering) {
      assert.equal(await answerOf(new Chain([...first, last, untold]), REQUEST), ANSWER);
    }
    assert.equal(await answerOf(new Chain(first), REQUEST), undefined);
    for (const bad of [...failing, throwing]) {
      await assert.rejects(answerOf(new Chain([...first, bad, untold]), REQUEST), /a bug/);
    }
  }
});

test('a chain whose handlers decline at once answers at once', () => {
  assert.equal(saidAtOnce(new Chain([declining[0], answering[0]]), REQUEST), ANSWER);
  assert.equal(saidAtOnce(new Chain([declining[0]]), REQUEST), 'declined');
  assert.equal(saidAtOnce(new Chain([declining[0], answering[1]]), REQUEST), 'pending');
});

test('who is given up is given up at the handler that is asked, and no other is asked', async () => {
  const waiting = handlerOf(async (_, signal) => {
    await once(signal, 'abort');
    return undefined;
  });
  const told: string[] = [];
  const done = new Promise<void>(resolve => {
    const tell = (what: string) => () => {
      told.push(what);
      resolve();
    };
    const pending = new Chain([declining[0], waiting, untold]).answer(REQUEST, {
      answered: tell('answered'),
      declined: tell('declined'),
      failed: tell('failed'),
    });
    pending?.giveUp();
  });
  await watchdog(done, 'the handler');
  assert.deepEqual(told, ['declined']);
});
