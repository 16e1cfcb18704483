import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawScript, Run } from '../../chaos/run.ts';
import { summaryOf } from '../../chaos/summary.ts';

const OPTIONS = { seed: 11, length: 120_000, pace: 300, domains: 8 };
const replayed = ({ parts, faults }: ReturnType<typeof drawScript>) =>
  JSON.stringify([faults, parts.map(({ name, brings, args }) => [name, brings, args(3)])]);

test('the same seed has the same processes, and the same befalls them', () => {
  assert.equal(replayed(drawScript(OPTIONS)), replayed(drawScript(OPTIONS)));
  assert.notEqual(replayed(drawScript(OPTIONS)), replayed(drawScript({ ...OPTIONS, seed: 12 })));
});

test('what a run came to is said, findings by their kinds', () => {
  const { cast } = new Run({ parts: [], faults: [] }, () => {});
  const run = { cast, audits: 3 } as Run;
  cast.told({ from: 'd1', is: 'tally', counts: { bytesVerified: 12_345 } });
  cast.told({ from: 'd1', is: 'wrong', what: 'word 3 of its header' });
  cast.fell('d2', 'ended by itself: SIGSEGV');
  const summary = summaryOf(run);
  assert.match(summary, /^bytes verified +12,345$/m);
  assert.match(summary, /^wrong bytes +1$/m);
  assert.match(summary, /^fell +1$/m);
  assert.match(summary, /^stuck +0$/m);
});
