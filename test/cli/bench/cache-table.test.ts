import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summaryOf, tableOf } from '../../../src/cli/bench/cache-table.ts';
import type { BudgetRow } from '../../../src/cli/bench/compare-policies.ts';
import { TraceBuilder } from '../../../src/cli/bench/trace/trace.ts';
import { POLICY_NAMES } from '../../../src/store/policies/index.ts';

function trace() {
  const builder = new TraceBuilder();
  for (let i = 0; i < 2000; i++) builder.add(`${i % 1000}`, 1536);
  return builder.withStatedSizes();
}

test('the summary says what a trace is, and what of it was of no use', () => {
  const text =
    '2,000 requests for 1,000 files of 1.5 MiB; ' +
    'with room for all, 50.0 % would be hits (50.0 % of the bytes)\n';
  assert.equal(summaryOf(trace(), 0), text);
  assert.equal(summaryOf(trace(), 1234), `${text}1,234 lines tell of no file that was read\n`);
});

test('the table has a line for each budget, and columns that are aligned', () => {
  const ratios = Object.fromEntries(
    POLICY_NAMES.map((policy, i) => [policy, { hitRatio: i / 10, byteHitRatio: i / 100 }]),
  ) as BudgetRow['ratios'];
  const lines = tableOf(trace(), [
    { budget: 512, ratios },
    { budget: 1_536_000, ratios },
  ]).split('\n');
  const [titles = '', names = '', first = '', second = '', end] = lines;
  assert.equal(end, '');
  assert.match(titles, /^ +hit ratio +byte hit ratio$/);
  assert.deepEqual(names.trim().split(/\s+/), ['budget', 'of', 'all', ...POLICY_NAMES, ...POLICY_NAMES]);
  const figures = POLICY_NAMES.map((_, i) => `${(10 * i).toFixed(1)} %`);
  const bytes = POLICY_NAMES.map((_, i) => `${i.toFixed(1)} %`);
  assert.equal(first.trim().replaceAll(/ {2,}/g, '|'), ['512 B', '0.0 %', ...figures, ...bytes].join('|'));
  assert.equal(
    second.trim().replaceAll(/ {2,}/g, '|'),
    ['1.5 MiB', '100.0 %', ...figures, ...bytes].join('|'),
  );
  assert.equal(first.length, second.length);
});
