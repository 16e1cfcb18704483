import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../../src/base/json.ts';
import { bytesOfHead, constantHead, encodeHead, HeadMemo } from '../../../src/ipc/wire/head.ts';
import { Family } from '../../support/family.ts';

function isFrozenThroughout(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isFrozenThroughout);
}

test('parse() gives one frozen object for equal bytes, wherever they lie', () => {
  const memo = new HeadMemo();
  const parse = (head: Json, before: number): Json => {
    const bytes = Buffer.concat([Buffer.alloc(before, '['), encodeHead(head), Buffer.from('}')]);
    return memo.parse(bytes, before, bytes.length - 1);
  };
  const heads: Json[] = [null, 0, 'caf\u00e9', [1, ['a', { b: [true] }]], { a: null, b: { c: [] } }];
  for (const head of heads) {
    const first = parse(head, 3);
    assert.deepEqual(first, head);
    assert.ok(isFrozenThroughout(first));
    assert.equal(parse(head, 0), first);
  }
  assert.notEqual(parse([1, ['a', { b: [false] }]], 0), parse(heads[3] as Json, 0));
});

test('parse() remembers neither long heads nor more than it may', () => {
  const memo = new HeadMemo();
  const parse = (head: Json): Json => {
    const bytes = encodeHead(head);
    return memo.parse(bytes, 0, bytes.length);
  };
  const long = ['x'.repeat(2048)];
  assert.deepEqual(parse(long), long);
  assert.notEqual(parse(long), parse(long));
  const first = parse([0]);
  for (let i = 1; i <= 20_000; i++) assert.deepEqual(parse([i]), [i]);
  assert.notEqual(parse([0]), first);
  assert.deepEqual(parse([0]), [0]);
});

test('parse() refuses what is no head, each time', () => {
  const memo = new HeadMemo();
  for (const bytes of [Buffer.from('{'), Buffer.from([0xff]), Buffer.from('"\xc3"', 'latin1')]) {
    for (let i = 0; i < 2; i++) {
      assert.throws(() => memo.parse(bytes, 0, bytes.length), { code: 'ERR_IOLITE_PROTOCOL' });
    }
  }
});

test('constantHead() freezes and encodes once, and refuses what JSON cannot say', () => {
  const head = constantHead({ a: [1, { b: 'c' }] });
  assert.ok(isFrozenThroughout(head));
  assert.equal(bytesOfHead(head).toString(), '{"a":[1,{"b":"c"}]}');
  assert.equal(bytesOfHead(head), bytesOfHead(head));
  const other = { a: 1 };
  assert.notEqual(bytesOfHead(other), bytesOfHead(other));
  other.a = 2;
  assert.equal(bytesOfHead(other).toString(), '{"a":2}');
  assert.throws(() => constantHead([1n] as unknown as Json[]), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.throws(() => constantHead([new Uint8Array(2)] as unknown as Json[]), {
    code: 'ERR_IOLITE_ARGUMENT',
  });
  assert.throws(() => constantHead(['x'.repeat(1024 ** 2)]), { code: 'ERR_IOLITE_RANGE' });
});

test('a channel remembers heads when it is asked to', async () => {
  await using family = new Family();
  const script = new URL('../children/echo.ts', import.meta.url);
  for (const options of [{ rememberHeads: 1 }, { gather: 'yes' }]) {
    const wrong = { channel: options as never };
    await assert.rejects(family.fork(script, [], wrong), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  for (const rememberHeads of [true, false]) {
    const { channel } = await family.fork(script, [], { channel: { rememberHeads } });
    const ask = async (): Promise<Json | undefined> =>
      (await channel.request({ head: constantHead({ echoed: ['head'] }) })).head;
    const [first, second] = [await ask(), await ask()];
    assert.deepEqual(first, second);
    assert.equal(first === second, rememberHeads);
    await channel.close();
  }
});
