import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check } from '../../model/checker.ts';
import type { Broken } from '../../model/layout.ts';
import { Sharing } from '../../model/sharing.ts';
import { BROKEN, WORLDS } from '../../model/worlds.ts';

const SMALL = ['two domains, three generations', 'two domains, and back to the owner'] as const;
const SAFETY = {
  'lease after the check': /^B holds a chunk that was recycled/,
  'recycling without the lock': /^B holds a chunk that was recycled/,
  'reference dropped at once': /^a message of a sender that is there names memory that is gone/,
  'no zeroing': /^C can read bytes that are not for it/,
  'generation raised after the lock': /^B holds a chunk that was recycled/,
  'passed memory for another audience': /^C can read bytes that are not for it/,
  'no generations': /^B holds a chunk that was recycled/,
};
const LIVENESS = {
  'locks outlive their holder': /a lease on it stays/,
  'deaths go unnoticed': /^references of channel 0 are kept for ever/,
};

for (const name of SMALL) {
  test(`the protocol holds, whoever dies at whatever point: ${name}`, () => {
    const { states, failure } = check(new Sharing(WORLDS[name]));
    assert.equal(failure, undefined);
    assert.ok(states > 2000);
  });
}

for (const [broken, world] of Object.entries(BROKEN) as [Broken, keyof typeof WORLDS][]) {
  test(`what is broken on purpose is caught: ${broken}`, () => {
    const { failure } = check(new Sharing({ ...WORLDS[world], broken }));
    const isSafety = broken in SAFETY;
    assert.equal(failure?.property, isSafety ? 'safety' : 'liveness');
    assert.match(failure.what, ({ ...SAFETY, ...LIVENESS } as Record<Broken, RegExp>)[broken]);
    assert.match(failure.trace[0] as string, /^A takes chunk 0 for audience/);
  });
}
