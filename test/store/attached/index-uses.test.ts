import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../../src/base/json.ts';
import type { Channel } from '../../../src/ipc/channel.ts';
import { encodeHead } from '../../../src/ipc/wire/head.ts';
import { Session } from '../../../src/store/attached/index-entry.ts';
import { IndexUses } from '../../../src/store/attached/index-uses.ts';
import { StoredVersion } from '../../../src/store/stored-version.ts';

type Facts = Readonly<Record<string, never>>;

const MANY = 200_000;
const session = new Session({} as Channel, { maxStale: 0, budget: 0 }, 0);

test('very many versions are reported in pieces, each of which is a message, and once', () => {
  const uses = new IndexUses<Facts>(() => false, new Set());
  for (let serial = 1; serial <= MANY; serial++) uses.forgot({ serial, key: 'key' });
  for (let serial = MANY + 1; serial <= 2 * MANY; serial++) {
    const held = new StoredVersion<Facts>('key', serial, {}, undefined);
    uses.given(held);
    held.release();
  }
  const forgot = new Set<number>();
  const freed = new Set<number>();
  while (uses.isPending) {
    const report = uses.report(session);
    assert.ok(report !== undefined);
    encodeHead(report as unknown as Json);
    for (const serial of report.forgot) forgot.add(serial);
    for (const serial of report.freed) freed.add(serial);
  }
  assert.deepEqual([forgot.size, freed.size], [MANY, MANY]);
  assert.equal(uses.report(session), undefined);
});

test('what is held is reported as free when nobody counts any more', () => {
  const uses = new IndexUses<Facts>(() => false, new Set());
  const held = new StoredVersion<Facts>('key', 1, {}, undefined);
  uses.given(held);
  assert.equal(uses.report(session), undefined);
  uses.end();
  assert.deepEqual(uses.report(session)?.freed, [1]);
  held.release();
});

test('what was dropped is not reported as long as it is asked for again: it may be given anew', () => {
  const asked = new Set(['again']);
  const uses = new IndexUses<Facts>(() => false, asked);
  uses.forgot({ serial: 1, key: 'again' });
  uses.forgot({ serial: 2, key: 'other' });
  assert.deepEqual(uses.report(session)?.forgot, [2]);
  assert.equal(uses.report(session), undefined);
  assert.ok(uses.isPending);
  // It is given again, and then dropped for good.
  const held = new StoredVersion<Facts>('again', 1, {}, undefined);
  uses.given(held);
  asked.clear();
  held.release();
  assert.deepEqual(uses.report(session), { used: [], forgot: [], held: [], freed: [1] });
  uses.forgot(held);
  assert.deepEqual(uses.report(session)?.forgot, [1]);
  // A closed index asks no more.
  asked.add('again');
  uses.forgot(held);
  uses.end();
  assert.deepEqual(uses.report(session)?.forgot, [1]);
});
