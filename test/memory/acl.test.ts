import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Acl, admits, checkAcl, everyone, resolveAcl } from '../../src/memory/acl.ts';

const number = fc.nat(6);
const peer = fc.record({ pid: number, uid: number, gid: number });
const numbers = fc.option(fc.array(number, { maxLength: 3 }), { nil: undefined });
const peers = fc.option(fc.array(fc.record({ peer }), { maxLength: 3 }), { nil: undefined });
const lists = fc.record({ uids: numbers, gids: numbers, pids: numbers, peers }) as fc.Arbitrary<Acl>;

test('an ACL admits whom it names, in whatever way, and resolved it admits the same', () => {
  fc.assert(
    fc.property(lists, peer, (acl, who) => {
      const { uids, gids, pids, peers } = acl as Exclude<Acl, 'everyone'>;
      const isNamed =
        uids?.includes(who.uid) ||
        gids?.includes(who.gid) ||
        pids?.includes(who.pid) ||
        peers?.some(({ peer }) => peer.pid === who.pid);
      assert.equal(admits(acl, who), isNamed === true);
      assert.equal(admits(resolveAcl(acl), who), isNamed === true);
    }),
  );
});

test('everyone is admitted by everyone, and without an ACL who runs as our user', () => {
  const us = { pid: 1, uid: process.geteuid?.() as number, gid: 1 };
  const other = { ...us, uid: us.uid + 1 };
  assert.deepEqual(
    [us, other].map(who => admits(everyone, who)),
    [true, true],
  );
  assert.deepEqual(
    [us, other].map(who => admits(undefined, who)),
    [true, false],
  );
  assert.equal(resolveAcl(everyone), 'everyone');
});

test('the process that an ACL belongs to is in it, once', () => {
  assert.deepEqual(resolveAcl({}), { uids: [], gids: [], pids: [process.pid] });
  assert.deepEqual(resolveAcl({ pids: [process.pid, 7] }), { uids: [], gids: [], pids: [process.pid, 7] });
  const many = Array.from({ length: 999 }, (_, i) => i);
  resolveAcl({ uids: many });
  assert.throws(() => resolveAcl({ uids: [...many, 1000] }), { code: 'ERR_IOLITE_RANGE' });
});

test('what is no ACL is refused', () => {
  for (const acl of [
    undefined,
    null,
    'nobody',
    7,
    { uid: [1] },
    { uids: 1 },
    { uids: ['1'] },
    { peers: [{}] },
  ]) {
    assert.throws(() => checkAcl(acl), { code: 'ERR_IOLITE_ARGUMENT' }, JSON.stringify(acl));
  }
  for (const acl of [{ uids: [-1] }, { pids: [2 ** 32] }]) {
    assert.throws(() => checkAcl(acl), { code: 'ERR_IOLITE_RANGE' });
  }
});
