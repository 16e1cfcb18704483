import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROOT } from '../../support/root.ts';
import { SmallHouse } from '../support/small-house.ts';

interface Order {
  pagesInOrder(root: string): { path: string; title: string; heading: string }[];
}
const order = '../../../scripts/docs/page-order.mjs';
const { pagesInOrder } = (await import(order)) as Order;

test('pages are in the order of the index, below its headings', () => {
  using house = new SmallHouse({
    'docs/README.md':
      '# Index\n## First\n[b](b.md), [a](a.md#part)\n## Then\n[c](c.md) [gone](gone.md) [b](b.md)\n',
    'docs/a.md': '# A\n',
    'docs/b.md': '# B of `b`\n',
    'docs/c.md': '# C\n',
    'docs/d.md': '# D\n',
    'docs/decisions/README.md': '# Decisions\n[e](e.md)\n',
    'docs/decisions/e.md': '# E\n',
    'STYLE.md': '# Style\n',
  });
  assert.deepEqual(
    pagesInOrder(house.path).map(({ path, title, heading }) => [path, title, heading]),
    [
      ['docs/README.md', 'Index', 'Begin'],
      ['docs/b.md', 'B of b', 'First'],
      ['docs/a.md', 'A', 'First'],
      ['docs/c.md', 'C', 'Then'],
      ['docs/decisions/e.md', 'E', 'Decisions'],
      ['docs/d.md', 'D', 'More'],
      ['docs/decisions/README.md', 'Decisions', 'More'],
      ['STYLE.md', 'Style', 'Project'],
    ],
  );
});

test('the index leads to every page', () => {
  const unlisted = pagesInOrder(ROOT).filter(({ heading }) => heading === 'More');
  assert.deepEqual(unlisted, []);
});
