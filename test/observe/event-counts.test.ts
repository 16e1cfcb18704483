import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventCounts } from '../../src/observe/event-counts.ts';
import { readSources } from '../../src/observe/sources.ts';

test('what happened is counted by a label', () => {
  const tally = new EventCounts('refusal', 'code');
  const kept = tally.of('EACCES');
  assert.deepEqual(readSources().get('refusal') ?? [], [], 'nothing has happened');
  kept.count += 1;
  tally.add('EACCES');
  tally.add('EMFILE', 3);
  assert.deepEqual(readSources().get('refusal'), [
    { labels: { code: 'EACCES' }, figures: { count: 2 } },
    { labels: { code: 'EMFILE' }, figures: { count: 3 } },
  ]);
});
