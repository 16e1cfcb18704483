import assert from 'node:assert/strict';
import { test } from 'node:test';
import { koffiProblem, loadKoffi } from '../../../src/os/addon/koffi.ts';

const problem = (message: string, code?: string): string =>
  koffiProblem(Object.assign(new Error(message), { code }));

test('koffi is loaded, and is the same each time', () => {
  assert.equal(typeof loadKoffi().load, 'function');
  assert.equal(loadKoffi(), loadKoffi());
});

test('each way of having no koffi is told with what helps', () => {
  assert.match(problem("Cannot find module 'koffi'", 'MODULE_NOT_FOUND'), /^koffi is not installed/);
  assert.match(
    problem('Cannot find the native Koffi module; did you bundle it correctly?'),
    /^koffi's binary is missing; install optional packages/,
  );
  assert.match(
    problem('Cannot load native addon because loading addons is disabled.', 'ERR_DLOPEN_DISABLED'),
    /^koffi cannot be loaded: .*; start Node\.js with --allow-addons$/,
  );
  assert.equal(
    problem('/lib/libc.so.6: version `GLIBC_9.9` not found\n(required by it)'),
    'koffi cannot be loaded: /lib/libc.so.6: version `GLIBC_9.9` not found',
  );
  assert.equal(koffiProblem('thrown as a string'), 'koffi cannot be loaded: thrown as a string');
});
