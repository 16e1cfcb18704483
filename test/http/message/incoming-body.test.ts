import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { fullPoolOf } from '../../../src/aggregate/full-pool.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { type BodyHost, IncomingBody } from '../../../src/http/message/incoming-body.ts';
import { watchdog } from '../../support/watchdog.ts';

function bodyOf(host: Partial<BodyHost> = {}) {
  const pool = createPool();
  const taken: number[] = [];
  const told = { wanted: 0, taken };
  const all: BodyHost = {
    bodyWanted: () => {
      told.wanted += 1;
    },
    bodyTaken: bytes => void taken.push(bytes),
    ...host,
  };
  return { pool, told, body: new IncomingBody(all, pool) };
}

test('what came since the last piece is read as one, and counted', async () => {
  const { pool, told, body } = bodyOf();
  body.push(Buffer.alloc(2000, 'a'));
  body.add(pool.from('bb'));
  body.push(Buffer.from('c'));
  assert.equal(body.unread, 2003);
  const { value } = await body.next();
  assert.equal((value as Aggregate).toString(), `${'a'.repeat(2000)}bbc`);
  (value as Aggregate).release();
  assert.deepEqual(told, { wanted: 1, taken: [2003] });
  body.end();
  assert.deepEqual(await body.next(), { done: true, value: undefined });
  pool.close();
  assert.equal(pool.stats().chunks, 0);
});

test('all of it is there at once, or to be read, and not both', async () => {
  const { pool, body } = bodyOf({ wholeBody: () => pool.from('whole') });
  using whole = body.whole();
  assert.equal(whole?.toString(), 'whole');
  assert.equal(body.whole(), undefined);
  assert.deepEqual(await body.next(), { done: true, value: undefined });
  const read = bodyOf({ wholeBody: () => assert.fail('somebody reads it') });
  const piece = read.body.next();
  assert.equal(read.body.whole(), undefined);
  read.body.end();
  await piece;
});

test('who reads a body that breaks off is told, and what came of it is released', async () => {
  const { pool, body } = bodyOf();
  body.push(Buffer.alloc(5000));
  body.fail();
  await assert.rejects(body.next(), { code: 'ERR_IOLITE_PEER' });
  body.add(pool.from('late'));
  assert.equal(body.unread, 0);
  pool.close();
  assert.equal(pool.stats().chunks, 0);
});

test('of a short body nothing takes room before all of it is there, though somebody waits', async () => {
  const pool = createPool();
  const body = new IncomingBody({ bodyWanted: () => {}, bodyTaken: () => {} }, pool, 100);
  const next = body.next();
  for (let i = 0; i < 100; i++) {
    assert.equal(pool.stats().bytesUsed, 0);
    body.push(Buffer.from('x'));
    await new Promise(setImmediate);
  }
  body.end();
  const { value } = await watchdog(next, 'the body');
  assert.equal((value as Aggregate).toString(), 'x'.repeat(100));
  (value as Aggregate).release();
  pool.close();
});

test('what finds no room waits for it, in its order, and holds up what comes', async () => {
  const pool = createPool({ limit: 2 * 1024 ** 2 });
  const body = new IncomingBody({ bodyWanted: () => {}, bodyTaken: () => {} }, pool);
  const held = pool.from(Buffer.alloc(1.9 * 1024 ** 2));
  const other = createPool();
  body.push(Buffer.alloc(2000, 'a'));
  assert.equal(body.isHeldUp, true);
  body.push(Buffer.from('b'));
  body.add(other.from('c'));
  body.end();
  assert.equal(body.unread, 2002);
  const next = watchdog(body.next(), 'room');
  await new Promise(setImmediate);
  held.release();
  const { value } = await next;
  assert.equal((value as Aggregate).toString(), `${'a'.repeat(2000)}bc`);
  (value as Aggregate).release();
  assert.deepEqual(await body.next(), { done: true, value: undefined });
  for (const each of [pool, other]) each.close();
  assert.equal(pool.stats().chunks + other.stats().chunks, 0);
});

test('a body that is left off waits for no room any more', () => {
  const pool = createPool({ limit: 2 * 1024 ** 2 });
  using _held = pool.from(Buffer.alloc(1.9 * 1024 ** 2));
  const body = new IncomingBody({ bodyWanted: () => {}, bodyTaken: () => {} }, pool);
  body.push(Buffer.alloc(2000));
  body.drop();
  assert.equal(body.isHeldUp, false);
  assert.equal(fullPoolOf(pool).admits(0), true);
});
