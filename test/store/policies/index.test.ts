import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { createPolicy, POLICY_NAMES, type PolicyName } from '../../../src/store/policies/index.ts';
import { LeastRecentlyUsed } from '../../../src/store/policies/lru.ts';

test('policies are there by name', () => {
  for (const name of POLICY_NAMES) assert.equal(createPolicy(name, 1000).name, name);
});

test("a user's policy is told of what happens and decides", () => {
  const own = Object.assign(new LeastRecentlyUsed(), { name: 'own' });
  const policy = createPolicy(own, 1000);
  const entry = { key: 'a', size: 1 };
  policy.added(entry);
  assert.equal(policy.name, 'own');
  assert.equal(
    own.victim(() => true),
    entry,
  );
});

test('what is no policy is refused', () => {
  const { added, hit, removed } = LeastRecentlyUsed.prototype;
  for (const wrong of ['LRU', '', 7, null, undefined, [], {}, { name: 'x', added, hit, removed }]) {
    assert.throws(
      () => createPolicy(wrong as PolicyName, 1000),
      { code: 'ERR_IOLITE_ARGUMENT' },
      String(wrong),
    );
  }
  const choosy = { name: 'x', added, hit, removed, victim: () => undefined, admit: true };
  assert.throws(() => createPolicy(choosy as unknown as PolicyName, 1000), {
    code: 'ERR_IOLITE_ARGUMENT',
    message: /admit/,
  });
  const unnamed = { added, hit, removed, victim: () => undefined } as unknown as PolicyName;
  assert.throws(() => createPolicy(unnamed, 1000), { code: 'ERR_IOLITE_ARGUMENT', message: /name/ });
});

test('budgets that are none are refused', () => {
  assert.throws(() => createPolicy('lru', -1), { code: 'ERR_IOLITE_RANGE' });
  assert.throws(() => createPolicy('lru', Number.NaN), { code: 'ERR_IOLITE_ARGUMENT' });
});

test('a fault is a warning of the process, unless somebody else wants to hear', async () => {
  const own = Object.assign(new LeastRecentlyUsed(), {
    name: 'own',
    added: () => {
      throw new Error('a fault');
    },
  });
  const warned = once(process, 'warning');
  createPolicy(own, 1000).added({ key: 'a', size: 1 });
  const [warning] = await warned;
  assert.equal(warning.code, 'ERR_IOLITE_POLICY');
});
