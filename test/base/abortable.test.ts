import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { abortable, GiveUp, waitOptions, waitSignalOf } from '../../src/base/abortable.ts';

test('an abort ends one wait, and leaves the promise to the others', async () => {
  let settle: (value: string) => void = () => {};
  const shared = new Promise<string>(resolve => {
    settle = resolve;
  });
  const controller = new AbortController();
  const other = new AbortController();
  const [aborted, patient, plain] = [
    abortable(shared, controller.signal),
    abortable(shared, other.signal),
    abortable(shared, undefined),
  ];
  const reason = new Error('no longer');
  controller.abort(reason);
  await assert.rejects(aborted, error => error === reason);
  settle('there');
  assert.deepEqual(await Promise.all([patient, plain]), ['there', 'there']);
  for (const { signal } of [controller, other]) assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('what was aborted before does not wait, and a failure is passed on', async () => {
  const reason = new Error('before');
  await assert.rejects(
    abortable(new Promise(() => {}), AbortSignal.abort(reason)),
    error => error === reason,
  );
  const { signal } = new AbortController();
  await assert.rejects(abortable(Promise.reject(reason), signal), error => error === reason);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('who gives up ends each of its waits, with one reason, and none after it', async () => {
  const wait = new GiveUp();
  wait.throwIfAborted();
  assert.deepEqual([wait.aborted, wait.reason], [false, undefined]);
  const ended = [1, 2].map(() => abortable(new Promise(() => {}), wait));
  assert.equal(await abortable(Promise.resolve('there'), wait), 'there');
  wait.abort();
  const { reason } = wait;
  assert.equal((reason as Error).name, 'AbortError');
  for (const each of ended) await assert.rejects(each, error => error === reason);
  await assert.rejects(abortable(Promise.resolve('too late'), wait), error => error === reason);
  assert.throws(
    () => wait.throwIfAborted(),
    error => error === reason,
  );
  wait.abort();
  assert.equal(wait.reason, reason);
});

test('an AbortSignal of what is given up is aborted with it, whenever it was asked for', () => {
  const early = new GiveUp();
  let heard = 0;
  const { signal } = early;
  signal.addEventListener('abort', () => {
    heard += 1;
  });
  assert.deepEqual([signal.aborted, early.signal === signal], [false, true]);
  early.abort();
  const late = new GiveUp();
  late.abort();
  assert.deepEqual([heard, signal.reason, late.signal.aborted], [1, early.reason, true]);
  assert.equal(late.signal.reason, late.reason);
});

test('options with a signal are what gives up itself, for who knows it, and else have one', () => {
  const wait = new GiveUp();
  const { signal } = new AbortController();
  assert.equal(waitSignalOf(waitOptions(wait)), wait);
  assert.equal(waitSignalOf(waitOptions(signal)), signal);
  assert.equal(waitSignalOf({}), undefined);
  assert.ok(waitOptions(wait).signal instanceof AbortSignal);
});
