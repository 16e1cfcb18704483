import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeEntry, encodeEntry } from '../../../src/cluster/machines/machine-entry.ts';
import { MachineTable } from '../../../src/cluster/machines/machine-table.ts';

const entry = { epoch: 'e1', log: 'l1', applied: 3, weight: 1 };
const names = (machines: readonly { readonly name: string }[]) => machines.map(({ name }) => name);

test('entries are read as they were written, and anything else is none', () => {
  assert.deepEqual(decodeEntry(encodeEntry(entry)), entry);
  const full = { ...entry, advertise: 'http://a:1' };
  assert.deepEqual(decodeEntry(encodeEntry(full)), full);
  for (const text of ['', '1', '{"epoch":"a"}', '{"epoch":"a","log":"b","applied":1.5,"weight":1}'])
    assert.equal(decodeEntry(Buffer.from(text)), undefined, text);
  // Who cannot be asked there owns nothing, as who is nowhere to be asked.
  for (const advertise of ['', 'a', 'https://a', 'http://a/b', 'http://u:p@a', 'http://a:99999', 1, null])
    assert.deepEqual(decodeEntry(Buffer.from(JSON.stringify({ ...entry, advertise }))), entry);
  // It would own everything.
  const endless = '{"epoch":"a","log":"b","applied":1,"weight":1e999}';
  assert.equal(decodeEntry(Buffer.from(endless)), undefined);
});

test('who has not said that it has carried something out is behind, be it silent or not', () => {
  const clock = { now: 0 };
  const table = new MachineTable(() => clock.now);
  table.saw('a', entry);
  table.joined('b');
  assert.deepEqual(names(table.behind({ log: 'l1', sequence: 3 })), ['b']);
  assert.deepEqual(names(table.behind({ log: 'l2', sequence: 1 })), ['a', 'b']);
  table.saw('b', { ...entry, applied: 4 });
  table.told('a', 'e1', { log: 'l1', sequence: 4 });
  assert.deepEqual(table.behind({ log: 'l1', sequence: 4 }), []);
  clock.now = 15_000;
  assert.deepEqual(table.live(), []);
  assert.deepEqual(names(table.behind({ log: 'l1', sequence: 5 })), ['a', 'b']);
  table.left('a');
  assert.deepEqual(names(table.behind({ log: 'l1', sequence: 5 })), ['b']);
});

test('an older entry than what was told takes nothing back, and another epoch is told nothing', () => {
  const table = new MachineTable(() => 0);
  table.saw('a', entry);
  table.told('a', 'e1', { log: 'l1', sequence: 9 });
  table.saw('a', { ...entry, applied: 5 });
  assert.deepEqual(table.behind({ log: 'l1', sequence: 9 }), []);
  table.saw('a', { ...entry, epoch: 'e2', applied: 5 });
  table.told('a', 'e1', { log: 'l1', sequence: 9 });
  assert.deepEqual(names(table.behind({ log: 'l1', sequence: 9 })), ['a']);
  table.saw('a', { ...entry, epoch: 'e2', log: 'l2', applied: 1 });
  assert.deepEqual(names(table.behind({ log: 'l1', sequence: 9 })), ['a']);
});
