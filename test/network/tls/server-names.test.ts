import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServerNames } from '../../../src/network/tls/server-names.ts';

test('a name finds its own, else the longest pattern that fits, else nothing', () => {
  const names = new ServerNames([
    [['example.com', 'www.example.com'], 'own'],
    [['*.example.com', 'www.example.com'], 'wide'],
    [['*.deep.example.com'], 'deep'],
  ]);
  for (const [name, found] of [
    ['example.com', 'own'],
    ['WWW.Example.com', 'own'],
    ['a.example.com', 'wide'],
    ['a.b.example.com', 'wide'],
    ['a.deep.example.com', 'deep'],
    ['deep.example.com', 'wide'],
    ['.example.com', 'wide'],
    ['example.org', undefined],
    ['com', undefined],
    ['', undefined],
    [undefined, undefined],
  ] as const) {
    assert.equal(names.find(name), found, name);
  }
});
