import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WholeLines } from '../../../../src/cli/tools/grep/whole-lines.ts';

test('blocks that are cut anywhere come as whole lines, all bytes of them in order', () => {
  const block = fc.array(fc.constantFrom('a', 'b', '\n'), { maxLength: 6 }).map(parts => parts.join(''));
  fc.assert(
    fc.property(fc.array(block, { maxLength: 8 }), blocks => {
      const taken: string[] = [];
      const lines = new WholeLines(0x0a, bytes => taken.push(bytes.toString()));
      for (const each of blocks) lines.add({ bytes: Buffer.from(each) });
      lines.end();
      assert.equal(taken.join(''), blocks.join(''));
      assert.ok(taken.every(each => each.length > 0));
      assert.ok(taken.slice(0, -1).every(each => each.endsWith('\n')));
    }),
  );
});

test('a line over several blocks is put together; what is whole says where in its block it lies', () => {
  const taken: [string, boolean][] = [];
  const asked: number[][] = [];
  const share = (start: number, end: number): never => {
    asked.push([start, end]);
    throw new Error('nothing is shared here');
  };
  const lines = new WholeLines(0, (bytes, from) => {
    taken.push([bytes.toString(), from !== undefined]);
    if (from !== undefined) assert.throws(() => from(0, bytes.length));
  });
  for (const each of ['a', 'b', 'c\0de\0f\0g']) lines.add({ bytes: Buffer.from(each), share });
  lines.end();
  assert.deepEqual(taken, [
    ['abc\0', false],
    ['de\0f\0', true],
    ['g', false],
  ]);
  assert.deepEqual(asked, [[2, 7]]);
});
