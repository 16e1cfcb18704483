import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InspectorGuard, newInspectorToken } from '../../../../src/cli/serve/inspect/inspector-guard.ts';
import { OwnNames } from '../../../../src/cli/serve/observe/own-names.ts';

test('who comes by a name that is not ours is not admitted', () => {
  const guard = new InspectorGuard(undefined, new OwnNames('127.0.0.1', []));
  assert.ok(guard.admitsHost('localhost:9465'));
  assert.equal(guard.admitsHost('evil.example'), false);
  assert.ok(new InspectorGuard('t', undefined).admitsHost('evil.example'));
});

test('a token is wanted whole, and in the field that no other site can set', () => {
  const token = newInspectorToken();
  const guard = new InspectorGuard(token, undefined);
  assert.ok(
    guard.wantsToken && guard.admitsToken(`Bearer ${token}`) && guard.admitsToken(`bearer  ${token} `),
  );
  for (const given of [
    undefined,
    '',
    token,
    `Basic ${token}`,
    `Bearer ${token}x`,
    `Bearer ${token.slice(1)}`,
  ])
    assert.equal(guard.admitsToken(given), false, given);
  assert.notEqual(newInspectorToken(), token);
  const open = new InspectorGuard(undefined, undefined);
  assert.ok(!open.wantsToken && open.admitsToken(undefined));
});
