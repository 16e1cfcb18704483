import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SmallHouse } from '../scripts/support/small-house.ts';
import { ROOT } from '../support/root.ts';
import { missingFunctions, missingPaths, missingStates, pagesOf, wrongTree } from './support/find-names.ts';

test('what the pages name is there: files, folders, links and headings', () => {
  assert.deepEqual(
    pagesOf(ROOT).flatMap(page => missingPaths(ROOT, page)),
    [],
  );
});

test('the files that the steps of the design name have the functions that they name', () => {
  assert.deepEqual(missingFunctions(ROOT, 'docs/design.md'), []);
});

test('the states that the design draws are those of the code', () => {
  assert.deepEqual(missingStates(ROOT, 'docs/design.md'), []);
});

test('the architecture draws all storeys, and rooms as they are', () => {
  assert.deepEqual(wrongTree(ROOT, 'docs/architecture.md'), []);
});

describe('what a page gets wrong is found', () => {
  const source = `
export class Door {
  #state: 'open' | 'shut' = 'open';
  readonly knock = (): void => this.#turn();
  #turn(): void {}
}
export function openDoor(): void {}
`;

  test('paths, links and headings', () => {
    using house = new SmallHouse({
      'src/hall/door.ts': source,
      'docs/page.md': [
        '# Page one',
        'See `src/hall/door.ts`, `hall/door.ts`, `src/hall/`, [here](#page-one), [it](page.md#page-one).',
        'Not `src/hall/window.ts`, `hall/roof`, `src/hall/door.ts/`, nor `text/html`, `a/b`.',
        '```',
        '`src/nowhere.ts`',
        '```',
        'Nor [there](other.md), [there](page.md#page-two), [out](../../page.md), but [web](https://x.test/).',
      ].join('\n'),
    });
    assert.deepEqual(pagesOf(house.path), ['docs/page.md']);
    assert.deepEqual(missingPaths(house.path, 'docs/page.md'), [
      'docs/page.md:7: the link other.md leads nowhere',
      'docs/page.md:7: the link page.md#page-two leads nowhere',
      'docs/page.md:7: the link ../../page.md leads nowhere',
      'docs/page.md:3: there is no src/hall/window.ts',
      'docs/page.md:3: there is no hall/roof',
      'docs/page.md:3: there is no src/hall/door.ts/',
    ]);
  });

  test('functions', () => {
    using house = new SmallHouse({
      'src/hall/door.ts': source,
      'docs/page.md': [
        'Prose may name `anything()`.',
        '1. `hall/door.ts` `openDoor()`, `knock()`,',
        '   `#turn()`, of a `DoorKnob`.',
        '2. First `openDoor()`, then `hall/door.ts` `closeDoor()` and `turn()`.',
        '3. `hall/window.ts` `openDoor()`.',
      ].join('\n'),
    });
    assert.deepEqual(missingFunctions(house.path, 'docs/page.md'), [
      'docs/page.md:3: nothing in src/ is named DoorKnob',
      'docs/page.md:4: no file is named before openDoor()',
      'docs/page.md:4: src/hall/door.ts has no closeDoor()',
      'docs/page.md:4: src/hall/door.ts has no turn()',
      'docs/page.md:5: src/hall/window.ts has no openDoor()',
    ]);
  });

  test('states', () => {
    using house = new SmallHouse({
      'src/hall/door.ts': source,
      'docs/page.md': [
        '### A door',
        'It is in `hall/door.ts`.',
        '| state | |',
        '| `open` | |',
        '| `ajar` | |',
        '| painted | |',
        '### A window',
        '| `shut` | |',
      ].join('\n'),
    });
    assert.deepEqual(missingStates(house.path, 'docs/page.md'), [
      'docs/page.md:5: src/hall/door.ts has no state ajar',
      'docs/page.md:8: no file is named before shut',
    ]);
  });

  test('folders', () => {
    const files = { 'src/hall/stairs/step.ts': '', 'src/hall/closet/coat.ts': '', 'src/attic/beam.ts': '' };
    const tree = ['```', 'src/', '  hall/      where one', '    stairs/    climbs', '  cellar/', '```', ''];
    using house = new SmallHouse({ ...files, 'docs/page.md': tree.join('\n'), 'docs/bare.md': '' });
    assert.deepEqual(wrongTree(house.path, 'docs/page.md').sort(), [
      'docs/page.md:1: src/attic is not drawn',
      'docs/page.md:1: src/hall/closet is not drawn',
      'docs/page.md:1: there is no folder src/cellar',
    ]);
    assert.deepEqual(wrongTree(house.path, 'docs/bare.md'), ['docs/bare.md:1: no tree of src/ is drawn']);
  });

  test('that it names nothing', () => {
    using house = new SmallHouse({ 'src/hall/door.ts': source, 'docs/page.md': '1. A step' });
    assert.deepEqual(missingFunctions(house.path, 'docs/page.md'), [
      'docs/page.md:1: its steps name no function',
    ]);
    assert.deepEqual(missingStates(house.path, 'docs/page.md'), ['docs/page.md:1: it draws no states']);
  });
});
