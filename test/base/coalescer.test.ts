import assert from 'node:assert/strict';
import { test } from 'node:test';
import { now } from '../../src/base/clock.ts';
import { Coalescer } from '../../src/base/coalescer.ts';

/** Work that ends when it is told to, and a count of the references to its results. */
class Work {
  started = 0;
  references = 0;
  readonly ends: ((result: string | Error) => void)[] = [];
  readonly coalescer = new Coalescer<string>(
    value => {
      this.references += 1;
      return value;
    },
    () => {
      this.references -= 1;
    },
  );

  readonly start = (): Promise<string> => {
    this.started += 1;
    return new Promise((resolve, reject) => {
      this.ends.push(result => {
        if (typeof result !== 'string') return reject(result);
        this.references += 1;
        resolve(result);
      });
    });
  };
}

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

test('work that is under way is joined, and each caller has a reference', async () => {
  const work = new Work();
  const all = [1, 2, 3].map(() => work.coalescer.run('key', work.start));
  assert.ok(work.coalescer.has('key'));
  work.ends[0]?.('done');
  assert.deepEqual(await Promise.all(all), ['done', 'done', 'done']);
  await turn();
  assert.deepEqual([work.started, work.references], [1, 3]);
  assert.ok(!work.coalescer.has('key'));
});

test('work that began too early is done once more for all who find it old, never twice at once', async () => {
  const work = new Work();
  const first = work.coalescer.run('key', work.start);
  const since = now();
  const later = [1, 2].map(() => work.coalescer.run('key', work.start, { since }));
  const old = work.coalescer.run('key', work.start, { since: 0 });
  await turn();
  assert.equal(work.started, 1);
  work.ends[0]?.('first');
  assert.deepEqual(await Promise.all([first, old]), ['first', 'first']);
  await turn();
  assert.equal(work.started, 2);
  work.ends[1]?.('second');
  assert.deepEqual(await Promise.all(later), ['second', 'second']);
  await turn();
  assert.equal(work.references, 4);
  assert.ok(!work.coalescer.has('key'));
});

test('a failure is for all who wait, and not for those who come after it', async () => {
  const work = new Work();
  const first = work.coalescer.run('key', work.start);
  const later = work.coalescer.run('key', work.start, { since: now() });
  work.ends[0]?.(new Error('failed'));
  await assert.rejects(first, { message: 'failed' });
  await turn();
  work.ends[1]?.('done');
  assert.equal(await later, 'done');
});

test('who gives up ends its own wait only, and the last one leaves no reference', async () => {
  const work = new Work();
  const controller = new AbortController();
  const aborted = work.coalescer.run('key', work.start, { signal: controller.signal });
  const other = work.coalescer.run('key', work.start);
  controller.abort();
  await assert.rejects(aborted, { name: 'AbortError' });
  work.ends[0]?.('done');
  await other;
  await turn();
  assert.equal(work.references, 1);
  const alone = new AbortController();
  const given = work.coalescer.run('key', work.start, { signal: alone.signal });
  alone.abort();
  await assert.rejects(given);
  work.ends[1]?.('done');
  await turn();
  assert.equal(work.references, 1);
});
