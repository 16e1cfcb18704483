import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import type { Channel } from '../../../src/ipc/channel.ts';
import type { PolicyName } from '../../../src/store/policies/index.ts';
import { Family } from '../../support/family.ts';
import { Folder } from '../../support/folder.ts';
import { holdingsReturnTo, settledHoldings } from '../../support/holdings.ts';
import { watchdog } from '../../support/watchdog.ts';
import { physicalBytes } from '../support/physical.ts';
import { RandomWriter } from '../support/versioned.ts';

const READER = new URL('../children/checking-reader.ts', import.meta.url);
const BUDGET = 1024 ** 2;
const FILES = 40;
const STEPS = 2000;

interface Report {
  readonly reads: number;
  readonly hits: number;
  readonly problems: readonly string[];
  readonly codes: Readonly<Record<string, number>>;
}

async function stop(channel: Channel): Promise<Report> {
  const { head } = await watchdog(channel.request({ head: {} }), 'a report');
  return head as unknown as Report;
}

const settings: { maxStale: number; policy: PolicyName }[] = [
  { maxStale: 0, policy: 'lru' },
  { maxStale: 100, policy: 'gds' },
];

for (const { maxStale, policy } of settings) {
  test(`domains read files that change: whole, never back, in budget (${maxStale}, ${policy})`, async t => {
    using folder = new Folder();
    const before = await settledHoldings();
    {
      await using family = new Family();
      using cache = createFileCache({ budget: BUDGET, maxStale, policy });
      const paths = Array.from({ length: FILES }, (_, i) => folder.file(`${i}`));
      const writer = new RandomWriter(paths, Math.random);
      const readers = await Promise.all([1, 2, 3, 4].map(() => family.fork(READER)));
      const pids = [process.pid, ...readers.map(({ process: { pid } }) => pid as number)];
      for (const { channel } of readers) cache.serve(channel);
      for (const { channel } of readers) await channel.request({ head: { start: paths } });
      let most = 0;
      for (let step = 0; step < STEPS; step++) {
        writer.step();
        // Some changes follow each other at once, others come when the last one has been read.
        if (step % 3 === 0) await setTimeout(step % 10);
        if (step % 50 === 0) most = Math.max(most, physicalBytes('cache', pids));
      }
      const reports = await Promise.all(readers.map(({ channel }) => stop(channel)));
      for (const { problems, codes, reads } of reports) {
        assert.deepEqual(problems, []);
        assert.ok(reads > 100);
        assert.deepEqual(
          Object.keys(codes).filter(code => code !== 'ENOENT' && code !== 'ERR_IOLITE_FILE'),
          [],
        );
      }
      assert.ok(most > 0 && most <= BUDGET, `${most} bytes of memory for a budget of ${BUDGET}`);
      t.diagnostic(
        JSON.stringify({ ...cache.stats(), most, reports: reports.map(({ reads, hits }) => [reads, hits]) }),
      );
    }
    await holdingsReturnTo(before);
  });
}
