import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { SignalTasks } from '../../../src/ipc/workers/signal-tasks.ts';

test('the tasks of a signal have one listener, which goes with the last of them', () => {
  const signals = new SignalTasks();
  const controller = new AbortController();
  const { signal } = controller;
  const aborted: unknown[] = [];
  const [first, second, third] = ['first', 'second', 'third'].map(name => ({
    abort: (reason: unknown) => void aborted.push([name, reason]),
  })) as [{ abort(): void }, { abort(): void }, { abort(): void }];
  signals.add(signal, first);
  signals.add(signal, second);
  assert.equal(getEventListeners(signal, 'abort').length, 1);
  signals.delete(signal, first);
  signals.delete(signal, second);
  signals.delete(signal, second);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  signals.add(signal, second);
  signals.add(signal, third);
  controller.abort('now');
  assert.deepEqual(aborted, [
    ['second', 'now'],
    ['third', 'now'],
  ]);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});
