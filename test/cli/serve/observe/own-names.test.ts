import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopback, OwnNames } from '../../../../src/cli/serve/observe/own-names.ts';

test('on the loopback only its own names are ours: another one was made to lead here', () => {
  const names = new OwnNames('127.0.0.1', ['Box.example']);
  for (const host of [
    'localhost',
    'LOCALHOST:9465',
    '127.0.0.1:1',
    '127.9.9.9',
    '[::1]:80',
    'a.localhost:1',
    '10.0.0.1',
    '[::2]:1',
  ])
    assert.ok(names.admits(host), host);
  assert.ok(names.admits('box.example:9465'));
  for (const host of [
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example:9465',
    '[box.example]',
    '[127.0.0.1]',
    'localhost:1:2',
    'user@localhost',
  ]) {
    assert.equal(names.admits(host), false, String(host));
  }
  // Where others reach us we cannot know all names that lead here.
  for (const address of ['0.0.0.0', '::', '10.0.0.1'])
    assert.ok(new OwnNames(address, []).admits('any.example'));
});

test('addresses of the loopback', () => {
  for (const address of ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1']) assert.ok(isLoopback(address));
  for (const address of ['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', '127.evil', 'localhost'])
    assert.equal(isLoopback(address), false, address);
});
