import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { abortable } from '../../src/base/abortable.ts';

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
