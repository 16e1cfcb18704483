import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import {
  HEAVY_BYTES,
  MAX_HEAD_LEVELS,
  MAX_HEAD_NAMES,
  weightOfHead,
  weightOfMessage,
} from '../../../src/ipc/wire/weight.ts';

/** Parses what it is told to, four times, and says how much its heap has grown by one. */
const MEASURE = `
  const { source, times } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
  const text = eval(source);
  JSON.parse(text);
  const kept = [];
  gc(); gc();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < times; i++) kept.push(JSON.parse(text));
  gc(); gc();
  const grown = (process.memoryUsage().heapUsed - before) / times;
  process.stdout.write(JSON.stringify({ grown, text, kept: kept.length }));
`;
const TIMES = 4;

/** Sources of JSON whose like takes much memory. */
const SOURCES: Record<string, string> = {
  'empty objects': `'[' + Array(100000).fill('{}') + ']'`,
  'empty arrays': `'[' + Array(100000).fill('[]') + ']'`,
  'arrays of one': `'[' + Array(100000).fill('[1]') + ']'`,
  'nested arrays': `'[' + Array(500).fill('['.repeat(400) + ']'.repeat(400)) + ']'`,
  numbers: `'[' + Array(100000).fill('1') + ']'`,
  'numbers and strings': `'[' + Array(50000).fill('1.5,""') + ']'`,
  'members that are numbers': `'[' + Array(30000).fill('{"99":1}') + ']'`,
  'members that are far': `'[' + Array(5000).fill('{"4000000000":1}') + ']'`,
  'members of many names': `'[' + Array.from({ length: 30000 }, (_, i) => '{"k' + i + '":1}') + ']'`,
  'an object of many': `'{' + Array.from({ length: 30000 }, (_, i) => '"k' + i + '":1') + '}'`,
  'a wide string': `'["' + 'a'.repeat(200000) + '\\u4e00"]'`,
};

for (const [name, source] of Object.entries(SOURCES)) {
  test(`a head weighs no less than it takes: ${name}`, () => {
    const input = JSON.stringify({ source, times: TIMES });
    const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '-e', MEASURE], {
      input,
      maxBuffer: 2 ** 26,
    });
    assert.equal(stderr.toString(), '');
    const { grown, text } = JSON.parse(stdout.toString());
    const weight = weightOfHead(Buffer.from(text));
    assert.ok(grown <= weight, `${grown} bytes were taken, ${weight} reckoned`);
  });
}

test('a short head weighs by its length, and a thousand of them are no heavy message', () => {
  assert.equal(weightOfHead(Buffer.alloc(0)), 0);
  assert.equal(weightOfHead(Buffer.from('{"a":1}')), 7 * 32);
  assert.ok(weightOfMessage(weightOfHead(Buffer.alloc(512, '[')), 1) < HEAVY_BYTES);
});

test('what is nested too deep weighs more than anything, brackets in strings do not count', () => {
  const deep = (levels: number): Buffer =>
    Buffer.from(`${'['.repeat(levels)}"${'x'.repeat(600)}[{\\"]"${']'.repeat(levels)}`);
  assert.ok(Number.isFinite(weightOfHead(deep(MAX_HEAD_LEVELS))));
  assert.equal(weightOfHead(deep(MAX_HEAD_LEVELS + 1)), Number.POSITIVE_INFINITY);
});

test('what has too many names weighs more than anything, colons in strings do not count', () => {
  const rows = (names: number): Buffer => Buffer.from(`[${Array(names).fill('{"a:\\":":":"}')}]`);
  assert.ok(Number.isFinite(weightOfHead(rows(MAX_HEAD_NAMES))));
  assert.equal(weightOfHead(rows(MAX_HEAD_NAMES + 1)), Number.POSITIVE_INFINITY);
});
