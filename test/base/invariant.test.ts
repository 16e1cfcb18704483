import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

const MODULE = new URL('../../src/base/invariant.ts', import.meta.url).href;
const PROGRAM = `
  import { invariant } from '${MODULE}';
  try { invariant(1 + 1 === 3, 'one and one are three'); console.log('unchecked'); }
  catch ({ code, message }) { console.log(code, message); }
`;

function run(environment: Record<string, string>): string {
  const { IOLITE_CHECK: _, ...rest } = process.env;
  const args = ['--input-type=module', '--eval', PROGRAM];
  return execFileSync(process.execPath, args, { env: { ...rest, ...environment }, encoding: 'utf8' }).trim();
}

test('invariant() throws with a code when it is checked, and costs nothing otherwise', () => {
  const failure = 'ERR_IOLITE_INVARIANT A bug of iolite: it must hold that one and one are three';
  assert.equal(run({ IOLITE_CHECK: '1' }), failure);
  assert.equal(run({}), 'unchecked');
  assert.equal(process.env.IOLITE_CHECK, '1', 'tests check invariants');
});
