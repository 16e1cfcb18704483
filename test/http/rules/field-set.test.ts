import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../../src/http/message/exchange.ts';
import { FieldSet, fieldList, troubleOfField } from '../../../src/http/rules/field-set.ts';

function answer(status: number, headers: readonly string[]): Answer {
  return { status, headers, body: undefined };
}

test('fields replace those of the same name, Vary is added to, and the last of several counts', () => {
  const set = new FieldSet(['X-A', '1', 'x-a', '2', 'Vary', 'X-B, Origin', 'vary', 'X-C']);
  assert.deepEqual(set.dress(answer(404, ['X-a', '0', 'Vary', 'Origin', 'B', 'b'])).headers, [
    'Vary',
    'Origin, X-B, X-C',
    'B',
    'b',
    'x-a',
    '2',
  ]);
});

test('null takes a field away, of errors too, unless it is said again behind that', () => {
  const set = new FieldSet([
    'X-Powered-By',
    'us',
    'x-powered-by',
    null,
    'Cache-Control',
    null,
    'B',
    null,
    'b',
    'c',
  ]);
  const headers = ['X-POWERED-BY', 'Express', 'Cache-Control', 'no-store', 'A', 'a', 'B', 'b'];
  for (const status of [200, 404, 304])
    assert.deepEqual(set.dress(answer(status, headers)).headers, ['A', 'a', 'b', 'c'], String(status));
  const parts = ['Content-Type', 'multipart/byteranges; boundary=x'];
  assert.deepEqual(new FieldSet(['Content-Type', null]).dress(answer(206, parts)).headers, parts);
  assert.ok(troubleOfField('vary', null) !== undefined);
  assert.ok(troubleOfField('Content-Length', null) !== undefined);
  assert.deepEqual(fieldList({ 'X-Powered-By': null }), ['X-Powered-By', null]);
});

test('what holds for a success is in no error, and what is of the content in no 304 and no parts', () => {
  const set = new FieldSet(['Cache-Control', 'immutable', 'Content-Type', 'a/b', 'X', 'x']);
  const type = ['Content-Type', 'text/html'];
  assert.deepEqual(set.dress(answer(200, type)).headers, [
    'X',
    'x',
    'Cache-Control',
    'immutable',
    'Content-Type',
    'a/b',
  ]);
  assert.deepEqual(set.dress(answer(304, [])).headers, ['X', 'x', 'Cache-Control', 'immutable']);
  const error = [...type, 'Cache-Control', 'no-store'];
  assert.deepEqual(set.dress(answer(503, error)).headers, [...error, 'X', 'x']);
  const parts = ['Content-Type', 'multipart/byteranges; boundary=x'];
  assert.deepEqual(set.dress(answer(206, parts)).headers, [...parts, 'X', 'x', 'Cache-Control', 'immutable']);
});

test('the same list gives the same list again, whose bytes senders keep', () => {
  const set = new FieldSet(['X', 'x']);
  const headers = ['A', 'a'];
  const [first, second] = [set.dress(answer(200, headers)), set.dress(answer(200, headers))];
  assert.equal(first.headers, second.headers);
  assert.equal(first.kept, second.kept);
  assert.notEqual(set.dress(answer(200, ['A', 'a'])).headers, first.headers);
  const bare = answer(200, headers);
  assert.equal(new FieldSet([]).dress(bare), bare);
});

test('what is no field, or is the server s own to say, is refused', () => {
  assert.deepEqual(fieldList({ A: 'a', 'X-B': '' }), ['A', 'a', 'X-B', '']);
  for (const [name, value] of [
    ['A B', 'x'],
    ['A', 'a\r\nB: b'],
    ['Content-Encoding', 'br'],
    ['etag', '"x"'],
  ] as const) {
    assert.ok(troubleOfField(name, value) !== undefined, name);
    assert.throws(() => fieldList({ [name]: value }), { code: 'ERR_IOLITE_ARGUMENT' });
  }
});
