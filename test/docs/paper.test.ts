import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SmallHouse } from '../scripts/support/small-house.ts';
import { ROOT } from '../support/root.ts';
import { missingTests, statementsWithout } from './support/find-tests.ts';

const PAGE = 'docs/paper.md';

test('the tests that are said to show what the paper states are there', () => {
  assert.deepEqual(missingTests(ROOT, PAGE), []);
});

test('each statement has what it is here, what shows it, and what differs', () => {
  assert.deepEqual(statementsWithout(ROOT, PAGE, ['API', 'Shown by', 'Differs']), []);
});

describe('what the page gets wrong is found', () => {
  const tests = `
test('one', () => {});
for (const kind of [1, 2]) test(\`two (\${kind})\`, () => {});
`;

  test('tests and their files', () => {
    const page = [
      '`test/hall/door.test.ts` "one", "two',
      '(…)"; `test/hall/window.test.ts` "one"',
      '`test/hall/door.test.ts` "three"; `test/hall/door.test.ts`.',
    ];
    using house = new SmallHouse({ 'test/hall/door.test.ts': tests, 'docs/page.md': page.join('\n') });
    assert.deepEqual(missingTests(house.path, 'docs/page.md'), [
      'docs/page.md:2: there is no test/hall/window.test.ts',
      'docs/page.md:3: test/hall/door.test.ts has no test "three"',
      'docs/page.md:3: no test of test/hall/door.test.ts is named',
    ]);
  });

  test('statements that nothing shows', () => {
    const page = [
      '**A door opens.**',
      '- API: `open()`',
      '- Shown by: a test',
      '',
      '**It shuts.**',
      '- API: none',
      '',
    ];
    using house = new SmallHouse({ 'docs/page.md': page.join('\n'), 'docs/bare.md': '' });
    assert.deepEqual(statementsWithout(house.path, 'docs/page.md', ['API', 'Shown by']), [
      'docs/page.md:5: Shown by is not said',
    ]);
    assert.deepEqual(statementsWithout(house.path, 'docs/bare.md', ['API']), [
      'docs/bare.md:1: it has no statements',
    ]);
  });
});
