import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { StoredFacts } from '../../../../src/http/proxy/cache/response-facts.ts';
import { ResponseIndex } from '../../../../src/http/proxy/cache/response-index.ts';

function facts(groups: readonly string[], start?: string): StoredFacts {
  const times = { requestedAt: 0, receivedAt: 0 };
  return { kind: 'response', status: 200, headers: [], ...times, groups, ...(start && { start }) };
}

test('what is in it is found by target and by group, as long as it is in it', () => {
  const key = fc.constantFrom('http://a/1', 'http://a/1 ["x"]', 'http://b/', '#digest');
  const groups = fc.uniqueArray(fc.constantFrom('g', 'h', 'i'));
  fc.assert(
    fc.property(fc.array(fc.tuple(key, groups)), changes => {
      const index = new ResponseIndex();
      const model = new Map<string, readonly string[]>();
      const factsOf = (name: string, of: readonly string[]) =>
        facts(of, name === '#digest' ? 'http://long/' : undefined);
      for (const [name, of] of changes) {
        const before = model.get(name);
        if (before !== undefined) index.delete(name, factsOf(name, before), undefined);
        else index.add(name, factsOf(name, of), undefined);
        if (before !== undefined) model.delete(name);
        else model.set(name, of);
      }
      const keys = [...model.keys()];
      const found = (list: readonly string[]) => [...list].sort();
      assert.deepEqual(
        found(index.ofTarget('http://a/1')),
        keys.filter(name => name.startsWith('http://a/1')).sort(),
      );
      assert.deepEqual(
        found(index.ofTarget('http://long/')),
        keys.filter(name => name === '#digest'),
      );
      assert.deepEqual(found([...index.targets()].flatMap(([, of]) => of)), keys.sort());
      for (const group of ['g', 'h', 'i']) {
        assert.deepEqual(
          found(index.ofGroup(group)),
          keys.filter(name => model.get(name)?.includes(group)),
        );
      }
    }),
  );
});

test('a variant is found by its groups, and with its resource', () => {
  const index = new ResponseIndex();
  index.add('http://a/ epoch digest', facts(['g']), 'http://a/');
  assert.deepEqual(index.ofGroup('g'), ['http://a/ epoch digest']);
  assert.deepEqual(index.ofTarget('http://a/'), []);
});
