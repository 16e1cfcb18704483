import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Folder } from '../../support/folder.ts';
import { iolite, shell } from '../support/tools.ts';

const SYNTHETIC = ['bench', 'cache', '--synthetic', '--requests', '20000', '--objects', '1000'];

test('bench cache shows hit ratios of a synthetic trace, the same each time', () => {
  const first = iolite(SYNTHETIC);
  assert.equal(first.code, 0, first.stderr);
  const text = first.stdout.toString();
  assert.match(
    text,
    /^20,000 requests for [\d,]+ files of [\d.]+ MiB; with room for all, 9\d\.\d % would be hits/,
  );
  assert.match(text, /budget +of all +lru +gds +gdsf +s3fifo +lru +gds +gdsf +s3fifo\n/);
  for (const share of ['1.0 %', '5.0 %', '10.0 %', '20.0 %']) assert(text.includes(`  ${share}`), share);
  assert.deepEqual(iolite(SYNTHETIC).stdout, first.stdout);
  assert.notDeepEqual(iolite([...SYNTHETIC, '--seed', '2']).stdout, first.stdout);
  const { stdout } = iolite([...SYNTHETIC, '--once', '0.5']);
  assert.match(stdout.toString(), /^20,000 requests for 1\d,\d{3} files .* all, 4\d\.\d % would be hits/);
});

test('bench cache replays a trace at the budgets that are named, from a file or the standard input', () => {
  using folder = new Folder();
  const lines = ['1,a,600', '2,b,600', '3,a,600', '4,b,600'].join('\n');
  writeFileSync(folder.file('trace.csv'), lines);
  const { stdout, code } = iolite(['bench', 'cache', '-t', 'trace.csv', '-b', '600, 100%,2k'], {
    cwd: folder.path,
  });
  assert.equal(code, 0);
  const rows = stdout.toString().trimEnd().split('\n').slice(-3);
  assert.match(rows[0] ?? '', /^ *600 B +50\.0 % +0\.0 % /);
  assert.match(rows[1] ?? '', /^ *1\.2 KiB +100\.0 % +50\.0 % /);
  assert.match(rows[2] ?? '', /^ *2\.0 KiB +170\.7 % +50\.0 % /);
  const piped = iolite(['bench', 'cache', '-t', '-', '-b', '600,100%,2k'], { input: Buffer.from(lines) });
  assert.deepEqual(piped.stdout, stdout);
});

test('bench cache says what is wrong', () => {
  const cases: [string[], number, RegExp][] = [
    [['bench', 'cache'], 1, /--trace <file> or --synthetic is wanted/],
    [
      ['bench', 'cache', '-t', 'none'],
      1,
      /^iolite bench: Cannot read trace none: No such file or directory\n$/,
    ],
    [['bench', 'cache', '-t', 'x', '--synthetic'], 2, /cannot be used with/],
    [[...SYNTHETIC, '--budget', '5x'], 2, /Budgets like 5%,64M are wanted/],
    [[...SYNTHETIC, '--alpha', 'NaN'], 2, /A number from 0 to 5/],
    [[...SYNTHETIC, '--once', '1.1'], 2, /A number from 0 to 1 /],
    [[...SYNTHETIC, '--once', '-1'], 2, /A number from 0 to 1 /],
    [[...SYNTHETIC, '--objects', '0'], 2, /An integer from 1/],
    [['bench', 'nothing'], 2, /unknown command/],
  ];
  for (const [args, expected, message] of cases) {
    const { code, stderr } = iolite(args);
    assert.match(stderr, message);
    assert.equal(code, expected, args.join(' '));
  }
});

test('bench cache fails as other tools do when the disk fails', () => {
  const cases: [string, RegExp][] = [
    ['--synthetic --requests 10 > /dev/full', /^iolite bench: write error: No space left on device\n$/],
    ['--trace /proc/self/mem', /^iolite bench: Cannot read trace \/proc\/self\/mem: Input\/output error\n$/],
    ['--trace - < /proc/self/mem', /^iolite bench: Cannot read trace -: Input\/output error\n$/],
  ];
  for (const [args, message] of cases) {
    const { stderr, code } = shell(`iolite bench cache ${args}`);
    assert.match(stderr, message);
    assert.equal(code, 1);
  }
});
