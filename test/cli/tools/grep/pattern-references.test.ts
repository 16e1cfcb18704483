import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { foldCase, matcherOf } from '../../../../src/cli/tools/grep/matcher.ts';
import { compile, type PatternOptions } from '../../../../src/cli/tools/grep/pattern.ts';
import { RUNS } from '../../../support/slicing.ts';
import { run } from '../../support/tools.ts';

const REFUSED = /refers to a group that may take no part, which is not supported$/;
const OPTIONS: PatternOptions = { syntax: 'extended', ignoreCase: false, wholeLines: false };

/** The lines that are found, or why there is no such pattern. */
function found(pattern: string, lines: readonly string[], options = OPTIONS): string[] | string {
  let matcher: ReturnType<typeof matcherOf>;
  try {
    matcher = matcherOf(compile([pattern], options), options.ignoreCase);
  } catch (error) {
    return (error as Error).message;
  }
  return lines.filter(line => {
    matcher.open(Buffer.from(`${line}\n`));
    return matcher.find(0);
  });
}

const parts = fc.constantFrom('a', 'b', 'B', 'é', '.', '[ab]', '(a)', '(.)', '(a|b)', '(ab?)', '(a|(b))');
const tails = fc.constantFrom('', '', '', '*', '?', '+', '{2}', '{0,1}', '|', '\\1', '\\1', '\\2', '(\\1b)');
const patterns = fc
  .array(
    fc.tuple(parts, tails).map(([part, tail]) => part + tail),
    { minLength: 1, maxLength: 4 },
  )
  .map(all => all.join(''));
const texts = fc.array(fc.stringMatching(/^[abAB]{0,6}$/), { minLength: 1, maxLength: 12 });

test('back references are those of grep, or refused where a group may take no part', () => {
  let refused = 0;
  let matched = 0;
  const property = fc.property(patterns, texts, fc.boolean(), (pattern, lines, ignoreCase) => {
    const ours = found(Buffer.from(pattern).toString('latin1'), lines, { ...OPTIONS, ignoreCase });
    const args = [...(ignoreCase ? ['-i'] : []), '-e', pattern];
    const input = Buffer.from(lines.map(line => `${line}\n`).join(''));
    const of = (syntax: string) => run('grep', [syntax, ...args], { input, env: { LC_ALL: 'C' } });
    const theirs = of('-aE');
    if (typeof ours === 'string' && REFUSED.test(ours)) refused += 1;
    else if (typeof ours === 'string') assert.equal(theirs.stderr, `grep: ${ours}\n`, pattern);
    else {
      matched += ours.length;
      const said = ours.map(line => `${line}\n`).join('');
      // It misses some that are there, as (.)*(a|b){2}a\2 in aaaa: its other engine does not.
      if (said !== theirs.stdout.toString()) assert.equal(said, of('-aP').stdout.toString(), args.join(' '));
    }
  });
  fc.assert(property, { numRuns: 400 * RUNS });
  assert.ok(refused > 0 && matched > 0);
});

test('with case ignored a back reference is as well', () => {
  const lines = ['aA', 'Aa', 'aa', 'ab', 'éÉ'];
  assert.deepEqual(found('(.)\\1', lines, { ...OPTIONS, ignoreCase: true }), ['aA', 'Aa', 'aa']);
  assert.equal(foldCase('ABz-É'), 'abz-É');
});

test('a reference to a group that may take no part, or of another alternative, is refused', () => {
  for (const pattern of [
    '(a)*\\1',
    '(a)?b\\1',
    '(a|(b))c\\2',
    '((a)|b)+\\2',
    '((a)*b){2}\\2',
    '(a){0,2}\\1',
  ]) {
    assert.match(found(pattern, []) as string, REFUSED, pattern);
  }
  for (const pattern of ['(a)|b\\1', '(a){0}\\1', '(a\\1)', '\\1(a)']) {
    assert.equal(found(pattern, []), 'Invalid back reference', pattern);
  }
  assert.deepEqual(found('((a)\\2)*c', ['aac', 'ac', 'b']), ['aac', 'ac']);
  assert.deepEqual(found('((a)+b)\\2', ['aaba', 'aabb']), ['aaba']);
});

test('a class of characters outside of brackets is refused as by grep', () => {
  const wrong = ['[:space:]', '[^:a:]', '[:a:b:]', '[: :]', 'x[:digit:]*'];
  const right = ['[::]', '[:]', '[:ab]', '[ab:]', '[:[:space:]:]', '[:a-z:]', '[[:space:]]'];
  for (const pattern of [...wrong, ...right]) {
    const { code, stderr } = run('grep', ['-E', pattern], { env: { LC_ALL: 'C' } });
    const ours = found(pattern, []);
    assert.equal(code === 2, typeof ours === 'string', pattern);
    if (code === 2) assert.equal(stderr, `grep: ${ours}\n`);
  }
});
