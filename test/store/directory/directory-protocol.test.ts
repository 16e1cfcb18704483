import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDirectoryUses, isFoundHead } from '../../../src/store/directory/directory-protocol.ts';

test('the head of what was found is one of all that it has to say', () => {
  const head = { kind: 0, facts: [1, null], note: '', serial: 1, chunks: [1, 0] };
  assert.ok(isFoundHead(head));
  for (const wrong of [
    ...[undefined, null, 'x', 1, [], {}],
    ...[{ kind: '0' }, { facts: undefined }, { facts: ['1'] }, { note: 1 }, { serial: null }],
    ...[{ chunks: {} }, { chunks: ['1'] }],
  ])
    assert.ok(
      !isFoundHead(
        wrong !== null && typeof wrong === 'object' && !Array.isArray(wrong) && Object.keys(wrong).length > 0
          ? ({ ...head, ...wrong } as never)
          : (wrong as never),
      ),
    );
});

test('uses are pairs of a serial and how often', () => {
  assert.ok(isDirectoryUses({ used: [] }));
  assert.ok(isDirectoryUses({ used: [[2 ** 40, 3]] }));
  for (const used of [
    undefined,
    {},
    [1],
    [[1]],
    [[1, 0]],
    [[1, -1]],
    [[1.5, 1]],
    [['1', 1]],
    [[1, Number.POSITIVE_INFINITY]],
  ])
    assert.ok(!isDirectoryUses({ used }), JSON.stringify(used));
  assert.ok(!isDirectoryUses({ used: new Array(4097).fill([1, 1]) }));
  for (const none of [undefined, null, 7]) assert.ok(!isDirectoryUses(none));
});
