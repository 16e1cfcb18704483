import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClaimAnswer, Claims } from '../../src/cache/claims.ts';

const TIMEOUT_MS = 2 ** 31 - 1;
const [one, other] = [{}, {}];

/** Claims whose makers are the test itself. */
class Fixture implements Disposable {
  readonly claims = new Claims<string>(value => value);

  /** @returns the number under which it is to be made */
  begin(key: string, maker: object = one): number {
    const answer = this.claims.claim(key, maker, { timeout: TIMEOUT_MS, waits: true });
    assert.ok('kind' in answer && answer.kind === 'make');
    return answer.id;
  }

  /** Waits for somebody else who makes it. */
  wait(key: string, maker: object = one): Promise<ClaimAnswer<string>> {
    const answer = this.claims.claim(key, maker, { timeout: TIMEOUT_MS, waits: true });
    assert.ok(answer instanceof Promise);
    return answer;
  }

  [Symbol.dispose](): void {
    this.claims.close(new Error('the test is over'));
  }
}

for (const [name, change] of [
  ['set', claims => claims.outdate('a')],
  ['forgotten', claims => claims.outdateAll({ keys: ['a'] })],
  ['forgotten by its beginning', claims => claims.outdateAll({ prefix: '' })],
  ['forgotten by a tag', claims => claims.outdateAll({ tags: ['mine'] })],
] satisfies [string, (claims: Claims<string>) => void][]) {
  test(`what was begun before a key is ${name} is not kept, also after tags of others were forgotten`, () => {
    using fixture = new Fixture();
    const { claims } = fixture;
    const first = fixture.begin('a');
    // It may have this tag: so who asks from now on has it made anew, and does not wait for the first.
    claims.outdateAll({ tags: ['of another key'] });
    const second = fixture.begin('a', other);
    assert.ok(claims.mayKeep(first, 'a', one, ['mine']));
    change(claims);
    assert.equal(claims.mayKeep(first, 'a', one, ['mine']), false);
    assert.equal(claims.mayKeep(second, 'a', other, ['mine']), false);
    assert.ok(claims.mayKeep(fixture.begin('a'), 'a', one, ['mine']));
  });
}

test('what is made does not take the place of what was made since', async () => {
  using fixture = new Fixture();
  const { claims } = fixture;
  const first = fixture.begin('a');
  const waiting = fixture.wait('a', other);
  claims.outdateAll({ tags: ['of another key'] });
  const second = fixture.begin('a', other);
  const third = fixture.begin('b');
  claims.overtake(second, 'a');
  claims.settle(second, other, undefined);
  assert.equal(claims.mayKeep(first, 'a', one), false);
  assert.ok(claims.mayKeep(third, 'b', one));
  claims.settle(first, one, 'made');
  assert.deepEqual(await waiting, { kind: 'made', value: 'made' });
  assert.equal(claims.size, 1);
});

test('what was begun since may be kept after what was begun before', () => {
  using fixture = new Fixture();
  const { claims } = fixture;
  const first = fixture.begin('a');
  claims.outdateAll({ tags: ['of another key'] });
  const second = fixture.begin('a', other);
  claims.overtake(first, 'a');
  claims.settle(first, one, undefined);
  assert.ok(claims.mayKeep(second, 'a', other));
});
