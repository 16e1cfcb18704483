import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layoutOf, parseCsv } from '../../../../src/cli/bench/trace/csv.ts';
import type { TraceLine } from '../../../../src/cli/bench/trace/trace-line.ts';

/** What the first line tells, and the second by it. */
function parse(first: string, second: string): TraceLine | undefined {
  const layout = layoutOf(first);
  assert(layout !== undefined, `${first} is a table's line`);
  return parseCsv(second, layout);
}

test('columns are found by their names, in any order', () => {
  const expected = { name: 'a', size: 7 };
  assert.deepEqual(parse('time,key,size', '1,a,7'), expected);
  assert.deepEqual(parse('"Size","Time","Key"', '7,1,a'), expected);
  assert.deepEqual(parse('time,obj_id,obj_size,next_access_vtime', '1,a,7,-1'), expected);
  assert.deepEqual(parse('timestamp\turl\tstatus\tbytes', '1\ta\t200\t7'), expected);
  assert.deepEqual(parse('object id;object size', 'a;7'), expected);
});

test('without names the order is time, key, size, or key, size', () => {
  for (const line of ['1,a,7', '1, a, 7, more', 'a,7', '1\ta\t7', '1 a 7', '1;a;7']) {
    assert.deepEqual(parse(line, line), { name: 'a', size: 7 }, line);
    assert.equal(layoutOf(line)?.header, false);
  }
});

test('quoted columns may contain what separates', () => {
  assert.deepEqual(parse('time,key,size', '1,"a, ""b""",7'), { name: 'a, "b"', size: 7 });
});

test('lines without a key or a size are told from requests', () => {
  for (const line of ['', '1,a', '1,,7', '1,a,', '1,a,-7', '1,a,7.5', '1,a,1e30', `1,a,${'9'.repeat(40)}`]) {
    assert.equal(parse('time,key,size', line), undefined, line);
  }
});

test('what is no table is none', () => {
  for (const line of ['', 'word', 'time,key', 'a,b,c', '<html lang="en">', '1 a b']) {
    assert.equal(layoutOf(line), undefined, line);
  }
});
