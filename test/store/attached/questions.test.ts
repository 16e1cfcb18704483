import assert from 'node:assert/strict';
import { test } from 'node:test';
import { now } from '../../../src/base/clock.ts';
import { Questions } from '../../../src/store/attached/questions.ts';

test('what overtakes an answer is noted at its question, as long as that is open', () => {
  const questions = new Questions();
  questions.left('a', 7);
  questions.invalidate('a');
  const question = questions.begin('a');
  assert.deepEqual(question, { invalidated: false, left: 0, leftAt: 0 });
  const before = now();
  questions.left('a', 8);
  questions.left('b', 9);
  questions.invalidate('a');
  assert.equal(question.left, 8);
  assert.equal(question.invalidated, true);
  assert.ok(questions.leftAt('a') >= before);
  assert.equal(questions.leftAt('b'), 0);
  questions.end('a');
  assert.equal(questions.leftAt('a'), 0);
});
