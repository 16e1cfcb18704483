import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseGlob } from '../../../src/file/cache/glob.ts';

const cases: [pattern: string, base: string, matching: string[], others: string[]][] = [
  [
    '/srv/site',
    '/srv/site',
    ['/srv/site/a', '/srv/site/b/c.js'],
    ['/srv/site/.git/config', '/srv/site/b/.c'],
  ],
  [
    '/srv/*.js',
    '/srv',
    ['/srv/a.js', '/srv/a.b.js'],
    ['/srv/a.jsx', '/srv/b/a.js', '/srv/.js', '/srv/.a.js'],
  ],
  ['/srv/**/*.js', '/srv', ['/srv/a.js', '/srv/b/c/a.js'], ['/srv/.b/a.js', '/srv/b/a.css']],
  ['/srv/**', '/srv', ['/srv/a', '/srv/b/c'], ['/srv/.b', '/srv/.b/c']],
  ['/srv/?.(a+b)', '/srv', ['/srv/x.(a+b)'], ['/srv/xy.(a+b)', '/srv/x.aab']],
  ['/srv/.well-known/*', '/srv/.well-known', ['/srv/.well-known/a'], ['/srv/.well-known/.a']],
  ['*.txt', '.', ['a.txt'], ['b/a.txt', 'a.txt.gz']],
  ['/*.txt', '/', ['/a.txt'], ['/b/a.txt']],
  ['./a//b/*', 'a/b', ['a/b/c'], ['a/b/c/d']],
];

for (const [pattern, base, matching, others] of cases) {
  test(`parseGlob('${pattern}') names what it should`, () => {
    const glob = parseGlob(pattern);
    assert.equal(glob.base, base);
    for (const path of matching) assert.ok(glob.matches(path), path);
    for (const path of others) assert.ok(!glob.matches(path), path);
  });
}

test('parseGlob() refuses what is none', () => {
  for (const wrong of ['', 'a\0b', 7, undefined])
    assert.throws(() => parseGlob(wrong), { code: 'ERR_IOLITE_ARGUMENT' });
});
