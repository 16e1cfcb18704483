import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  encodedPath,
  filledIn,
  pathPattern,
  troubleOfPattern,
} from '../../../src/http/rules/path-pattern.ts';

test('patterns mean one path, all below a folder, or what a glob says', () => {
  const cases: [pattern: string, meant: string[], not: string[]][] = [
    ['/a', ['/a'], ['/', '/a/', '/a/b', '/A', '/ab']],
    ['/api/', ['/api', '/api/', '/api/a/b'], ['/', '/apis', '/x/api/']],
    ['/assets/**', ['/assets/a', '/assets/a/.b/c'], ['/', '/asset', '/x/assets/a']],
    ['/*.html', ['/a.html'], ['/a/b.html', '/a.htm']],
    ['/**/*.html', ['/a.html', '/a/b.html'], ['/a', '/a.html/b']],
    ['**/*.{js,css}', ['/a.js', '/a/b.css'], ['/a.json']],
    ['/**', ['/', '/a', '/a/b'], []],
    ['/blog/*', ['/blog/a'], ['/blog', '/blog/a/b']],
  ];
  for (const [pattern, meant, not] of cases) {
    const match = pathPattern(pattern);
    for (const path of meant) assert.ok(match(path) !== undefined, `${pattern} means ${path}`);
    for (const path of not) assert.equal(match(path), undefined, `${pattern} does not mean ${path}`);
  }
});

test('what a pattern left open goes into another path, encoded', () => {
  const fill = (pattern: string, path: string, text: string): string =>
    filledIn(text, pathPattern(pattern)(path) ?? []);
  assert.equal(fill('/blog/*', '/blog/a b', '/posts/$1'), '/posts/a%20b');
  assert.equal(fill('/old/*/x/**', '/old/1/x/2/3', '/$2/of/$1'), '/2/3/of/1');
  assert.equal(fill('/api/', '/api/a?b#c', 'https://x.test/$1'), 'https://x.test/a%3Fb%23c');
  assert.equal(fill('/a', '/a', '/b$1'), '/b');
  assert.equal(encodedPath('/ä/%'), '/%C3%A4/%25');
});

test('what is no pattern is refused', () => {
  for (const wrong of ['', 'a', '*', '/a[', 7, '/!(a)', '/@(a|b)/**', '/+(a).js'])
    assert.ok(troubleOfPattern(wrong) !== undefined, String(wrong));
  assert.throws(() => pathPattern('a'), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.equal(troubleOfPattern('/a+[(]b)'), undefined);
  assert.notEqual(pathPattern('/a+[(]b)')('/a+(b)'), undefined);
});
