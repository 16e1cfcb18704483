import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { statusOf } from '../../src/http/message/status-of-error.ts';
import { SmallHouse } from '../scripts/support/small-house.ts';
import { ROOT } from '../support/root.ts';
import { codesNamed, codesOfPage, codesOfUnion, codesRaised, sourcesOf } from './support/find-codes.ts';
import { pagesOf } from './support/find-names.ts';

const PAGE = 'docs/errors.md';
const union = codesOfUnion(ROOT).sort();
const text = readFileSync(join(ROOT, PAGE), 'utf8');

test('the page has a section for each code, and for no other', () => {
  assert.deepEqual(codesOfPage(ROOT, PAGE).sort(), union);
});

test('sources and pages name no other codes', () => {
  assert.deepEqual([...codesNamed(ROOT, [...sourcesOf(ROOT), ...pagesOf(ROOT)])].sort(), union);
});

test('each code is given to an error somewhere', () => {
  assert.deepEqual([...codesRaised(ROOT)].sort(), union);
});

test('each section says what a code means, when it comes and what to do, and is linked at the top', () => {
  const sections = text.split(/^### /m).slice(1);
  for (const section of sections) {
    const [code = ''] = section.split('\n', 1);
    for (const what of ['Means', 'When', 'What to do'])
      assert.match(section, new RegExp(`\\*\\*${what}:`), code);
    assert(text.includes(`](#${code.toLowerCase()})`), `no link to ${code}`);
  }
});

test('the table of statuses is as servers answer', () => {
  const rows = [...text.matchAll(/^\| (`E[^|]*|any other) \| (\d*) ?\| (\d*) ?\| (\d*) ?\|$/gm)];
  const otherwise = rows.at(-1) ?? [];
  assert(rows.length > 10);
  for (const row of rows) {
    const codes = row[1]?.match(/E\w+/g) ?? ['ENOTHING'];
    for (const code of codes) {
      for (const [index, source] of (['file', 'application', 'origin'] as const).entries())
        assert.equal(statusOf({ code }, source), Number(row[index + 2] || otherwise[index + 2]), code);
    }
  }
});

describe('what disagrees is found', () => {
  using house = new SmallHouse({
    'src/base/error.ts':
      "export type IoliteErrorCode =\n  /** One. */\n  | 'ERR_IOLITE_ONE'\n  | 'ERR_IOLITE_TWO';\n",
    'src/hall/door.ts':
      "if (code === 'ERR_IOLITE_ONE') throw new IoliteError('ERR_IOLITE_TWO', '');\n/** ERR_IOLITE_SIX */\n",
    'docs/page.md': '### ERR_IOLITE_ONE\n\nSee ERR_IOLITE_TWO.\n',
  });
  const found = {
    union: codesOfUnion(house.path),
    page: codesOfPage(house.path, 'docs/page.md'),
    named: [...codesNamed(house.path, ['src/hall/door.ts'])],
    raised: [...codesRaised(house.path)],
  };
  test('codes of the union, of a page, in sources, and of errors', () => {
    assert.deepEqual(found, {
      union: ['ERR_IOLITE_ONE', 'ERR_IOLITE_TWO'],
      page: ['ERR_IOLITE_ONE'],
      named: ['ERR_IOLITE_ONE', 'ERR_IOLITE_TWO', 'ERR_IOLITE_SIX'],
      raised: ['ERR_IOLITE_TWO'],
    });
  });
});
