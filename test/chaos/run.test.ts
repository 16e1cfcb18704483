import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Run } from '../../chaos/run.ts';
import { summaryOf } from '../../chaos/summary.ts';

const SCRIPT = { parts: [], faults: [] };
const nothing = () => {};
const STAGE = {
  exchange: nothing,
  exchangeRoot: nothing,
  fillDisk: nothing,
  squeeze: nothing,
  ease: nothing,
};

test('what a run came to is said, findings by their kinds', () => {
  const { cast } = new Run(SCRIPT, STAGE, () => {});
  cast.told({ from: 'd1', is: 'tally', counts: { bytesVerified: 12_345, 'requests:h2': 7 } });
  cast.told({ from: 'd1', is: 'wrong', what: 'word 3 of its header' });
  cast.fell('d2', 'ended by itself: SIGSEGV');
  const summary = summaryOf({ cast, audits: 3, faults: new Map([['exhaust', 4]]) });
  assert.match(summary, /^bytes verified +12,345$/m);
  assert.match(summary, /^h2 +7$/m);
  assert.match(summary, /^fault exhaust +4$/m);
  assert.match(summary, /^wrong bytes +1$/m);
  assert.match(summary, /^fell +1$/m);
  assert.match(summary, /^stuck +0$/m);
});

test('what befalls a stage is done in order, and noted', async () => {
  const exchanged: number[] = [];
  const stage = { ...STAGE, exchange: (index: number) => void exchanged.push(index) };
  const faults = ['3', '1'].map(target => ({ at: 0, kind: 'exchange' as const, target, lasts: 0 }));
  const run = new Run(
    { parts: [], faults: [...faults, { at: 1, kind: 'kill', target: 'd0', lasts: 0 }] },
    stage,
    () => {},
  );
  await run.play();
  assert.deepEqual(exchanged, [3, 1]);
  assert.deepEqual(run.done, [
    '0.000 s: exchange 3',
    '0.000 s: exchange 1',
    '0.001 s: kill d0 (nobody was there)',
  ]);
  assert.deepEqual(run.cast.findings, []);
});
