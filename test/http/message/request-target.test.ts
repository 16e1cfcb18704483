import assert from 'node:assert/strict';
import { join, resolve, sep } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseTarget } from '../../../src/http/message/request-target.ts';

function pathOf(target: string): string | number {
  const parsed = parseTarget(target);
  return typeof parsed === 'number' ? parsed : parsed.path;
}

test('parseTarget() reads paths, and takes queries off', () => {
  assert.equal(pathOf('/'), '/');
  assert.equal(pathOf('/a/b.html'), '/a/b.html');
  assert.equal(pathOf('/folder/'), '/folder/');
  assert.equal(pathOf('/a%20b/%C3%A9?x=/../y'), '/a b/é');
  assert.equal(pathOf('http://host:80/a'), '/a');
  assert.equal(pathOf('HTTPS://host'), '/');
  assert.equal(pathOf('http://host?x'), '/');
  assert.equal(pathOf('/100%25'), '/100%');
  assert.equal(pathOf('/a%252fb'), '/a%2fb');
  assert.equal(pathOf('/a//b///'), '/a/b/');
  assert.deepEqual(parseTarget('//evil.example//?a//b'), {
    path: '/evil.example/',
    rawPath: '/evil.example/',
    query: '?a//b',
    hidden: false,
    isWellKnown: false,
  });
  assert.deepEqual(parseTarget('/%41?q=1'), {
    path: '/A',
    rawPath: '/%41',
    query: '?q=1',
    hidden: false,
    isWellKnown: false,
  });
});

for (const [target, status] of [
  ['', 400],
  ['*', 400],
  ['host:443', 400],
  ['ftp://host/a', 400],
  ['a/b', 400],
  ['?x', 400],
  ['/a%00b', 400],
  ['/a%0Ab', 400],
  ['/%7f', 400],
  ['/..%2fetc', 400],
  ['/%2e%2e/etc', 400],
  ['/%2E./etc', 400],
  ['/a/../b', 400],
  ['/./b', 400],
  ['/..', 400],
  ['/a%5cb', 400],
  ['/a\\b', 400],
  ['/%', 400],
  ['/%zz', 400],
  ['/%ff', 400],
  ['/%c0%ae%c0%ae/', 400],
  ['/%ed%a0%80', 400],
  ['/é', 400],
  ['/a b', 400],
  ['/a#b', 400],
  [`/${'x'.repeat(256)}`, 404],
  [`/${'%C3%A9'.repeat(128)}`, 404],
  [`/${'x/'.repeat(2100)}`, 414],
] as const) {
  test(`parseTarget() refuses ${JSON.stringify(target.slice(0, 30))} with ${status}`, () => {
    assert.equal(parseTarget(target), status);
  });
}

test('parseTarget() tells hidden paths', () => {
  for (const target of ['/.hidden', '/a/.git/config', '/%2egit/config', '/...', '/.a/']) {
    const parsed = parseTarget(target);
    assert(typeof parsed === 'object' && parsed.hidden, target);
  }
});

test('parseTarget() never names anything outside of the root', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '/',
      '..',
      '.',
      '%2e',
      '%2f',
      '%5c',
      '\\',
      '%00',
      '%',
      '%25',
      '?',
      '#',
      'a',
      '//',
      '%c0%af',
    ),
    fc.string({ maxLength: 3 }),
  );
  const target = fc.array(piece, { maxLength: 12 }).map(pieces => `/${pieces.join('')}`);
  fc.assert(
    fc.property(fc.oneof(target, fc.string()), value => {
      const parsed = parseTarget(value);
      if (typeof parsed === 'number') return;
      const root = resolve('/srv/root');
      const path = join(root, parsed.path);
      assert(path === root || path === root + sep || path.startsWith(root + sep), path);
      assert(!path.includes('\0'));
      assert(!/\/\/|\/\.\.?(\/|$)/.test(parsed.path), parsed.path);
      assert.equal(parsed.hidden, parsed.path.includes('/.'));
      assert(/^\/(?!\/)/.test(parsed.rawPath), 'a redirect to it stays on this host');
    }),
    { numRuns: 20_000 },
  );
});

test('parseTarget() gives back what was encoded', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are refused.
  const forbidden = /^\.\.?$|[\x00-\x1f\x7f/\\]/;
  const segment = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    .filter(text => !forbidden.test(text));
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), segments => {
      const target = `/${segments.map(encodeURIComponent).join('/')}`;
      assert.equal(pathOf(target), `/${segments.join('/')}`);
    }),
  );
});

test('parseTarget() takes a target with a query for the same path as without', () => {
  const piece = fc.constantFrom(
    '/',
    '.',
    '..',
    'a',
    '_b',
    '~',
    '-',
    'c.d',
    '%41',
    ' ',
    'é',
    '\n',
    'e'.repeat(130),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), pieces => {
      const target = `/${pieces.join('')}`;
      const asked = parseTarget(`${target}?`);
      assert.deepEqual(parseTarget(target), typeof asked === 'number' ? asked : { ...asked, query: '' });
    }),
    { numRuns: 5000 },
  );
});
