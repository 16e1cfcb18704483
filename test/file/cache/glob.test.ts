import assert from 'node:assert/strict';
import { test } from 'node:test';
import { literalGlob, parseGlob } from '../../../src/file/cache/glob.ts';

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
  ['/srv/?.\\(a+b\\)', '/srv', ['/srv/x.(a+b)'], ['/srv/xy.(a+b)', '/srv/x.aab']],
  ['**/*.{js,css}', '.', ['a.js', 'b/c/d.css'], ['a.ts', '.b/a.js', 'b/.a.js', 'a.{js,css}']],
  ['/srv/{a/b,c}/*.js', '/srv', ['/srv/a/b/x.js', '/srv/c/x.js'], ['/srv/a/x.js', '/srv/b/x.js']],
  ['/srv/[a-c]?', '/srv', ['/srv/ax', '/srv/cä'], ['/srv/dx', '/srv/a', '/srv/a/']],
  ['/srv/[!a]*', '/srv', ['/srv/b', '/srv/bc'], ['/srv/a', '/srv/.b']],
  ['/srv/[^a]b', '/srv', ['/srv/bb'], ['/srv/ab']],
  ['/srv/[[:digit:]]x', '/srv', ['/srv/1x'], ['/srv/ax']],
  ['/srv/@(a|b).js', '/srv', ['/srv/a.js', '/srv/b.js'], ['/srv/ab.js', '/srv/c.js']],
  ['/srv/+(a|b)c', '/srv', ['/srv/ac', '/srv/abac'], ['/srv/c']],
  ['/srv/!(a)', '/srv', ['/srv/b', '/srv/ab'], ['/srv/a', '/srv/.b']],
  ['/srv/{8..11}.txt', '/srv', ['/srv/8.txt', '/srv/11.txt'], ['/srv/1.txt', '/srv/12.txt']],
  ['/srv/{11..08}', '/srv', ['/srv/08', '/srv/11'], ['/srv/8', '/srv/12']],
  ['/srv/{-1..1}', '/srv', ['/srv/-1', '/srv/0'], ['/srv/2', '/srv/--1']],
  ['/srv/{1..9..4}', '/srv', ['/srv/1', '/srv/5', '/srv/9'], ['/srv/4', '/srv/3']],
  ['/srv/{a..c}', '/srv', ['/srv/b'], ['/srv/d', '/srv/-']],
  ['/srv/[.]a', '/srv', [], ['/srv/.a']],
  ['/srv/.*', '/srv', ['/srv/.a'], ['/srv/a', '/srv/b/.a']],
  ['/srv/{.a,b}', '/srv', ['/srv/.a', '/srv/b'], ['/srv/a']],
  ['/srv/**/.git/*', '/srv', ['/srv/.git/a', '/srv/b/.git/a'], ['/srv/.b/.git/a', '/srv/.git/.a']],
  ['/srv/a\\*b/*.js', '/srv/a*b', ['/srv/a*b/c.js'], ['/srv/a*b/c.ts', '/srv/a*b/d/c.js']],
  ['!*.js', '.', ['!a.js'], ['a.js', 'a.css']],
  ['/srv/*', '/srv', ['/srv/a\nb', '/srv/{a}', '/srv/[a'], ['/srv/', '/srv/a/b']],
  ['/srv/*/', '/srv', ['/srv/a'], ['/srv/a/b']],
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
    // Whoever goes down from the base comes by all that match.
    for (const path of matching) {
      for (let at = path.indexOf('/', base.length + 1); at > 0; at = path.indexOf('/', at + 1))
        assert.ok(glob.enters(path.slice(0, at)), path.slice(0, at));
    }
  });
}

test('parseGlob() refuses what is none', () => {
  const open = [
    '[a',
    'b{a,b',
    '@(a',
    '*)',
    '*[',
    '{1..5000}',
    '{1..x}',
    '{1..2..0}',
    `${'x'.repeat(70_000)}*`,
  ];
  for (const wrong of ['', 'a\0b', 7, undefined, ...open]) {
    const message = /^Cannot find files: .{1,200}$/s;
    assert.throws(() => parseGlob(wrong), { code: 'ERR_IOLITE_ARGUMENT', message });
  }
});

test('no deeper than a pattern reaches is looked', () => {
  const reached = (pattern: string): string[] =>
    ['/srv/a', '/srv/.a', '/srv/a/b', '/srv/a/b/c/d'].filter(parseGlob(pattern).enters);
  assert.deepEqual(reached('/srv/*.js'), []);
  assert.deepEqual(reached('/srv/*/*.js'), ['/srv/a']);
  assert.deepEqual(reached('/srv/{a/b,c}/*.js'), ['/srv/a', '/srv/a/b']);
  assert.deepEqual(reached('/srv/**/*.js'), ['/srv/a', '/srv/a/b', '/srv/a/b/c/d']);
  assert.deepEqual(reached('/srv/.*/*'), ['/srv/a', '/srv/.a']);
});

test('a path that is no pattern names what lies in it, but for what begins with a dot', () => {
  const glob = literalGlob('/srv/[a]//{b}/');
  assert.equal(glob.base, '/srv/[a]/{b}');
  assert.equal(glob.isPattern, false);
  assert.ok(glob.matches('/srv/[a]/{b}/c/d'));
  assert.ok(!glob.matches('/srv/[a]/{b}/.c/d'));
  assert.equal(parseGlob('/srv/a\\*b').base, '/srv/a*b');
  assert.equal(parseGlob('/srv/a').isPattern, false);
  for (const wrong of ['', 'a\0b', 7])
    assert.throws(() => literalGlob(wrong), { code: 'ERR_IOLITE_ARGUMENT' });
});
