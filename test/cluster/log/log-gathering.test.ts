import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { checkSelector } from '../../../src/cache/selector.ts';
import { LogGathering } from '../../../src/cluster/log/log-gathering.ts';
import type { LogPosition, LogSelector } from '../../../src/store/log/invalidation-log.ts';
import { watchdog } from '../../support/watchdog.ts';

interface Stored {
  readonly topic: string;
  readonly selector: LogSelector;
  /** NATS has it. */
  done(): void;
  fail(error: Error): void;
}

/** What is stored by a gathering, each until it is said to be. */
function gathering() {
  const stored: Stored[] = [];
  let told = (): void => {};
  const made = new LogGathering(
    (topic, selector) =>
      new Promise<LogPosition>((resolve, reject) => {
        const sequence = stored.length + 1;
        stored.push({ topic, selector, done: () => resolve({ log: 'one', sequence }), fail: reject });
        told();
      }),
  );
  /** Until there are so many. */
  const atLeast = async (count: number): Promise<void> => {
    while (stored.length < count)
      await watchdog(
        new Promise<void>(resolve => {
          told = resolve;
        }),
        `message ${count}`,
      );
  };
  return { made, stored, atLeast };
}

suite('what is told while a message is under way', () => {
  test('goes as one, when that has been answered, and each is told where', async () => {
    const { made, stored, atLeast } = gathering();
    const first = made.tell('responses', { urls: ['/1'] });
    const second = made.tell('responses', { urls: ['/2', '/3'] });
    const third = made.tell('responses', { groups: ['a'], urls: ['/2'] });
    assert.deepEqual(
      stored.map(({ selector }) => selector),
      [{ urls: ['/1'] }],
    );
    stored[0]?.done();
    assert.deepEqual(await first, { log: 'one', sequence: 1 });
    await atLeast(2);
    assert.equal(stored.length, 2);
    assert.deepEqual(stored[1]?.selector, { urls: ['/2', '/3'], groups: ['a'] });
    stored[1]?.done();
    assert.deepEqual(await second, { log: 'one', sequence: 2 });
    assert.deepEqual(await third, { log: 'one', sequence: 2 });
  });

  test('goes apart where it is of another topic, or is done in another way', async () => {
    const { made, stored, atLeast } = gathering();
    const all = [
      made.tell('responses', { urls: ['/1'] }),
      made.tell('responses', { urls: ['/2'], mode: 'stale' }),
      made.tell('responses', { mode: 'drop', urls: ['/3'] }),
      made.tell('values', { urls: ['/4'] }),
      made.tell('responses', { mode: 'stale', groups: ['a'] }),
    ];
    await atLeast(4);
    assert.deepEqual(
      stored.map(({ topic, selector }) => [topic, selector]),
      [
        ['responses', { urls: ['/1'] }],
        ['responses', { mode: 'stale', urls: ['/2'], groups: ['a'] }],
        ['responses', { mode: 'drop', urls: ['/3'] }],
        ['values', { urls: ['/4'] }],
      ],
    );
    for (const { done } of stored) done();
    assert.deepEqual(
      (await Promise.all(all)).map(({ sequence }) => sequence),
      [1, 2, 3, 4, 2],
    );
  });

  test('does not wait for one that is never answered', async () => {
    const { made, stored, atLeast } = gathering();
    void made.tell('responses', { urls: ['/1'] });
    const second = made.tell('responses', { urls: ['/2'] });
    await atLeast(2);
    stored[1]?.done();
    assert.equal((await second).sequence, 2);
  });

  test('fails with its message, and with no other', async () => {
    const { made, stored, atLeast } = gathering();
    const first = made.tell('responses', { urls: ['/1'] });
    const both = ['/2', '/3'].map(url => made.tell('responses', { urls: [url] }));
    stored[0]?.fail(new Error('away'));
    await assert.rejects(first, { message: 'away' });
    await atLeast(2);
    const last = made.tell('responses', { urls: ['/4'] });
    stored[1]?.fail(new Error('still away'));
    for (const each of both) await assert.rejects(each, { message: 'still away' });
    await atLeast(3);
    stored[2]?.done();
    assert.equal((await last).sequence, 3);
  });

  test('is bounded: what is long goes by itself, and what is much in several messages', async () => {
    const { made, stored, atLeast } = gathering();
    const tags = Array.from({ length: 150 }, (_, index) => `t${index}`);
    const long = ['long'.padEnd(5000, 'x')];
    const all = [
      made.tell('values', { tags: ['first'] }),
      made.tell('values', { keys: long }),
      made.tell('values', { keys: tags.slice(0, 65) }),
      ...tags.map(tag => made.tell('values', { tags: [tag] })),
    ];
    await atLeast(6);
    assert.deepEqual(stored[1]?.selector, { keys: long });
    assert.deepEqual(stored[2]?.selector, { keys: tags.slice(0, 65) });
    // What a cache does not take it does not understand, and forgets all.
    for (const { selector } of stored) checkSelector(selector);
    assert.deepEqual(
      stored.slice(3).flatMap(({ selector }) => selector.tags),
      tags,
    );
    for (const { done } of stored) done();
    await Promise.all(all);
  });
});
