import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  InspectorGuard,
  isLoopback,
  newInspectorToken,
} from '../../../../src/cli/serve/inspect/inspector-guard.ts';

test('on the loopback only its own names are ours: another one was made to lead here', () => {
  const guard = new InspectorGuard(undefined, ['Box.example']);
  for (const host of ['localhost', 'LOCALHOST:9465', '127.0.0.1:1', '127.9.9.9', '[::1]:80', 'a.localhost:1'])
    assert.ok(guard.admitsHost(host), host);
  assert.ok(guard.admitsHost('box.example:9465'));
  for (const host of [
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example:9465',
    '10.0.0.1',
    '[::2]',
    'localhost:1:2',
    'user@localhost',
  ]) {
    assert.equal(guard.admitsHost(host), false, String(host));
  }
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
  const open = new InspectorGuard(undefined, []);
  assert.ok(!open.wantsToken && open.admitsToken(undefined));
});

test('addresses of the loopback', () => {
  for (const address of ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1']) assert.ok(isLoopback(address));
  for (const address of ['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', '127.evil', 'localhost'])
    assert.equal(isLoopback(address), false, address);
});
