import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countLines, countWords, inQuads } from '../../../src/cli/tools/quads.ts';
import { RUNS } from '../../support/slicing.ts';
import { long } from '../support/quads.ts';

test('countLines() counts at every alignment', () => {
  const property = fc.property(long, fc.nat(7), fc.nat(7), (bytes, start, less) => {
    const part = bytes.subarray(start, Math.max(start, bytes.length - less));
    assert.equal(countLines(part), part.filter(byte => byte === 10).length);
  });
  fc.assert(property, { numRuns: 500 * RUNS });
});

test('countWords() tells newlines, begins of words and the last byte apart', () => {
  const property = fc.property(long, fc.boolean(), (bytes, afterSpace) => {
    const { quads } = inQuads(bytes);
    const text = Buffer.from(quads.buffer, quads.byteOffset, quads.byteLength).toString('latin1');
    const before = afterSpace ? ' ' : 'x';
    assert.deepEqual(countWords(quads, afterSpace ? 1 : 0), {
      lines: text.match(/\n/g)?.length ?? 0,
      words: (before + text).match(/(?<=[\t\n\v\f\r ])[^\t\n\v\f\r ]/g)?.length ?? 0,
      afterSpace: /[\t\n\v\f\r ]$/.test(before + text) ? 1 : 0,
    });
  });
  fc.assert(property, { numRuns: 500 * RUNS });
});
