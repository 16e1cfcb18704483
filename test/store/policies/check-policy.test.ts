import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPolicy } from '../../../src/store/policies/check-policy.ts';
import { createPolicy, POLICY_NAMES } from '../../../src/store/policies/index.ts';
import { LeastRecentlyUsed } from '../../../src/store/policies/lru.ts';
import type { CacheEntry, CachePolicy } from '../../../src/store/policy.ts';

type Eligible = (entry: CacheEntry) => boolean;

/** A policy that does as LRU does, but for some of its methods. */
function lruBut(faults: (lru: LeastRecentlyUsed) => Partial<Record<keyof CachePolicy, unknown>>) {
  return (): CachePolicy => {
    const lru = new LeastRecentlyUsed();
    return {
      name: 'own',
      added: entry => lru.added(entry),
      hit: entry => lru.hit(entry),
      removed: entry => lru.removed(entry),
      victim: eligible => lru.victim(eligible),
      ...faults(lru),
    } as CachePolicy;
  };
}

for (const name of POLICY_NAMES) {
  test(`${name} keeps to the interface`, () => {
    for (const seed of [0, 1, 2]) {
      assert.deepEqual(
        checkPolicy(budget => createPolicy(name, budget), { seed }),
        [],
      );
    }
  });
}

test('a policy of one’s own that does what it should has no faults', () => {
  assert.deepEqual(checkPolicy(lruBut(() => ({ admit: ({ size }: CacheEntry) => size < 100 }))), []);
  assert.deepEqual(checkPolicy(lruBut(() => ({ admit: () => false }))), []);
});

/** Keeps entries by their keys, in an object. */
function byKeyInAnObject(): CachePolicy {
  const entries: Record<string, CacheEntry> = {};
  return {
    name: 'object',
    added: entry => {
      entries[entry.key] = entry;
    },
    hit: () => {},
    removed: ({ key }) => {
      delete entries[key];
    },
    victim: eligible => Object.values(entries).find(eligible),
  };
}

function forgetful(lru: LeastRecentlyUsed) {
  let calls = 0;
  return {
    removed: (entry: CacheEntry) => {
      calls += 1;
      if (calls % 5 > 0) lru.removed(entry);
    },
  };
}

const shared = new LeastRecentlyUsed();
const BROKEN: Record<string, [rule: RegExp, create: (budget: number) => CachePolicy]> = {
  'has no methods': [/all methods/, () => ({ name: 'x' }) as CachePolicy],
  'is nothing': [/all methods/, () => undefined as unknown as CachePolicy],
  'has no name': [/a name/, lruBut(() => ({ name: undefined }))],
  'names what is in use': [/eligible only/, lruBut(lru => ({ victim: () => lru.victim(() => true) }))],
  'names none when it has looked at three': [
    /as long as any/,
    lruBut(lru => ({
      victim: (eligible: Eligible) => {
        let asked = 0;
        return lru.victim(entry => {
          asked += 1;
          return asked <= 3 && eligible(entry);
        });
      },
    })),
  ],
  'keeps every fifth that was removed': [/is forgotten/, lruBut(forgetful)],
  'does not remember entries of no bytes': [
    /as long as any/,
    lruBut(lru => ({ added: (entry: CacheEntry) => entry.size > 0 && lru.added(entry) })),
  ],
  'takes what is admitted for added': [
    /is forgotten|nothing is named|Nothing is named/,
    lruBut(lru => ({
      admit: (entry: CacheEntry) => {
        lru.added(entry);
        return true;
      },
      added: () => {},
    })),
  ],
  'does not say whether it admits': [/true or false/, lruBut(() => ({ admit: () => undefined }))],
  'promises to admit': [/synchronous/, lruBut(() => ({ admit: async () => true }))],
  'is asynchronous': [/synchronous/, lruBut(() => ({ hit: () => Promise.reject(new Error('later')) }))],
  'throws at entries that it does not know': [
    /No method throws/,
    lruBut(() => {
      const known = new Set<CacheEntry>();
      return {
        added: (entry: CacheEntry) => void known.add(entry),
        hit: (entry: CacheEntry) => {
          if (!known.has(entry)) throw new Error('unknown');
        },
      };
    }),
  ],
  'takes what it is told of hits for added': [
    /Nothing is named|is forgotten/,
    lruBut(lru => ({
      hit: (entry: CacheEntry) => {
        lru.removed(entry);
        lru.added(entry);
      },
    })),
  ],
  'makes copies of entries': [
    /Nothing is named/,
    lruBut(lru => ({ victim: (eligible: Eligible) => ({ ...lru.victim(eligible) }) })),
  ],
  'knows entries by their keys, in an object': [/./, byKeyInAnObject],
  'shares what it knows with others': [
    /Nothing is named/,
    () => ({
      name: 'shared',
      added: entry => shared.added(entry),
      hit: () => {},
      removed: entry => shared.removed(entry),
      victim: eligible => shared.victim(entry => eligible(entry) && Math.max(0, entry.size) > 10),
    }),
  ],
  'forgets what is very large': [
    /as long as any/,
    lruBut(lru => ({ added: (entry: CacheEntry) => entry.size === (entry.size | 0) && lru.added(entry) })),
  ],
};

for (const [what, [rule, create]] of Object.entries(BROKEN)) {
  test(`a policy that ${what} is found out, by a short sequence of calls`, () => {
    const faults = checkPolicy(create);
    const fault = faults.find(each => rule.test(each.rule));
    assert.ok(fault !== undefined, JSON.stringify(faults));
    assert.ok(fault.found.length > 0 && fault.budget >= 0);
    assert.ok(fault.calls.length <= 25, fault.calls.join('\n'));
  });
}

test('the same seed finds the same, and another goes another way', () => {
  const create = lruBut(forgetful);
  assert.deepEqual(checkPolicy(create, { seed: 5 }), checkPolicy(create, { seed: 5 }));
  assert.notDeepEqual(checkPolicy(create, { seed: 5 }), checkPolicy(create, { seed: 6 }));
});

test('the sequence is what was called, and shows the fault when it is called again', () => {
  const [fault] = checkPolicy(lruBut(lru => ({ victim: () => lru.victim(() => true) })));
  assert.deepEqual(fault?.calls.at(-1)?.startsWith('victim()'), true);
  assert.match(fault?.calls.join('\n') ?? '', /^added\(".*" of \d+ B\)/m);
});

test('what is no policy’s maker is refused, and what it throws is passed on', () => {
  for (const wrong of [undefined, 'lru', new LeastRecentlyUsed()])
    assert.throws(() => checkPolicy(wrong as never), { code: 'ERR_IOLITE_ARGUMENT' });
  for (const options of [{ seed: -1 }, { rounds: 0 }])
    assert.throws(
      () =>
        checkPolicy(
          lruBut(() => ({})),
          options,
        ),
      { code: 'ERR_IOLITE_RANGE' },
    );
  const create = (): never => {
    throw new TypeError('no policy today');
  };
  assert.throws(() => checkPolicy(create), /no policy today/);
});
