import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Draft } from '../../src/aggregate/draft.ts';
import { createPool, type Pool } from '../../src/aggregate/pool.ts';
import { Family } from '../support/family.ts';
import { watchdog } from '../support/watchdog.ts';
import { expectedAt, makePattern } from './support/pattern.ts';

const CHECKER = new URL('./children/checker.ts', import.meta.url);
const MiB = 1024 ** 2;
const LIMIT = 64 * MiB;
const TOTAL = 10 * 1024 * MiB;

/** Room in the pool, as soon as the readers have left some. */
async function roomIn(pool: Pool, size: number): Promise<Draft> {
  for (;;) {
    try {
      return pool.allocate(size);
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_IOLITE_LIMIT') throw error;
      await setImmediate();
    }
  }
}

interface Report {
  readonly checked: number;
  readonly bytes: number;
  readonly wrong: number;
  readonly faults: number;
  readonly imported: { readonly bytes: number; readonly chunks: number };
}

/**
 * A message has 256 pages. V8's own heap faults a few times in ten messages, as its pages come and go: what
 * is not to fault is the payload.
 */
test('10 GiB go through 64 MiB to three readers of different speed, without page faults', async () => {
  await using family = new Family();
  using pool = createPool({ name: 'recycling', limit: LIMIT });
  const count = TOTAL / MiB;
  const warmUp = count / 10;
  const readers = await Promise.all(
    [0, 1, 3].map(slowness => family.fork(CHECKER, [`${warmUp}`, `${slowness}`])),
  );
  const pattern = makePattern();
  let faultsBefore = 0;
  const sending = (async () => {
    for (let nth = 0; nth < count; nth++) {
      if (nth === warmUp) faultsBefore = process.resourceUsage().minorPageFault;
      const draft = await roomIn(pool, MiB);
      draft.bytes.set(expectedAt(pattern, nth, MiB));
      using body = draft.seal();
      await Promise.all(readers.map(({ channel }) => channel.send({ head: nth, body })));
    }
  })();
  await watchdog(sending, 'all to be sent', 110_000);
  const faults = process.resourceUsage().minorPageFault - faultsBefore;
  for (const { channel } of readers) {
    const answer = await watchdog(channel.request({ head: count }), 'a report');
    const report = answer.head as unknown as Report;
    assert.deepEqual([report.checked, report.bytes, report.wrong], [count, TOTAL, 0]);
    assert.ok(report.imported.bytes <= LIMIT, `${report.imported.bytes} bytes are mapped there`);
    assert.ok(report.faults < count - warmUp, `${report.faults} page faults in a reader`);
  }
  assert.ok(faults < count - warmUp, `${faults} page faults in the writer`);
  const { bytesMapped, recycled } = pool.stats();
  assert.ok(bytesMapped <= LIMIT);
  assert.ok(recycled > 0.95 * count, `${recycled} chunks were refilled, the others made`);
});
