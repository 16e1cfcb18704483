import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvOf, svgOf } from '../../../chaos/soak/curves.ts';

const CURVES = [
  { name: 'memory', values: [1, 2, 4] },
  { name: 'descriptors', values: [9, 9, 9] },
];

test('curves are a table, and pictures', () => {
  assert.equal(csvOf(CURVES), 'memory,descriptors\n1,9\n2,9\n4,9\n');
  const svg = svgOf(CURVES);
  assert.equal(svg.match(/<polyline /g)?.length, 2);
  assert.match(svg, /memory, at most 4/);
  // From the left below to the right above.
  assert.match(svg, /points="32\.0,152\.0 480\.0,112\.0 928\.0,32\.0"/);
});
