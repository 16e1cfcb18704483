import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineReader } from '../../chaos/lines.ts';

test('lines are found wherever they are cut, and what broke off is passed over', () => {
  const lines: unknown[] = [];
  const reader = new LineReader(line => lines.push(line));
  for (const text of ['{"a":', '1}\n{"b":2}\n{"cut', ' off{"c":3}\n', '4\n', '5']) reader.take(text);
  assert.deepEqual(lines, [{ a: 1 }, { b: 2 }, 4]);
});
