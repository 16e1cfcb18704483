import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complain, notify, setComplaintFormat, setNoticeFormat } from '../../src/cli/complain.ts';
import { UserError } from '../../src/cli/user-error.ts';

test('what is said to users is one line in our name, or an object of JSON', context => {
  const err = context.mock.method(process.stderr, 'write', () => true).mock;
  const out = context.mock.method(console, 'log', () => {}).mock;
  const said = (of: typeof err | typeof out): string => String(of.calls.at(-1)?.arguments[0]);
  complain(new UserError('Cannot serve it').message);
  assert.equal(said(err), 'iolite: Cannot serve it\n');
  notify('Serving');
  assert.equal(said(out), 'Serving');
  setComplaintFormat('json');
  complain('Cannot "serve"\nit');
  assert.equal(said(err).indexOf('\n'), said(err).length - 1);
  assert.deepEqual(
    { ...JSON.parse(said(err)), time: 0 },
    { time: 0, level: 'error', message: 'Cannot "serve"\nit' },
  );
  setNoticeFormat('json');
  notify('Serving');
  assert.deepEqual({ ...JSON.parse(said(out)), time: 0 }, { time: 0, level: 'info', message: 'Serving' });
  setComplaintFormat('text');
  setNoticeFormat('text');
  err.restore();
  out.restore();
});
