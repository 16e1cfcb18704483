import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readAccessList, writeAccessList } from '../../src/memory/access-header.ts';
import { type Acl, ANY_MACHINE, admits, resolveAcl } from '../../src/memory/acl.ts';
import { HEADER_BYTES } from '../../src/memory/chunk.ts';
import { importChunk } from '../../src/memory/imported-chunk.ts';
import { SharedChunk } from '../../src/memory/shared-chunk.ts';
import { NOBODY } from './support/nobody.ts';

const id = fc.integer({ min: 0, max: 0xffff_ffff });
const ids = fc.array(id, { maxLength: 300 });

test('readAccessList() reads what writeAccessList() wrote', () => {
  const lists = fc.record({ uids: ids, gids: ids, pids: ids }, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.oneof(fc.constant('everyone' as const), lists), acl => {
      const header = Buffer.alloc(HEADER_BYTES, 0xff);
      writeAccessList(header, acl);
      assert.deepEqual(readAccessList(header), acl);
    }),
  );
});

test('readAccessList() reads any bytes as an ACL or as none', () => {
  fc.assert(
    fc.property(fc.array(id, { minLength: 4, maxLength: 40 }), fields => {
      const header = Buffer.alloc(HEADER_BYTES);
      for (const [i, field] of fields.entries()) header.writeUInt32LE(field, 32 + 4 * i);
      const acl = readAccessList(header);
      if (acl === undefined || acl === 'everyone') return;
      assert.ok(acl.uids.length + acl.gids.length + acl.pids.length <= 1000);
    }),
  );
});

test('importChunk() refuses a chunk whose ACL is malformed', () => {
  for (const fields of [
    [2, 0, 0, 0],
    [0, 1, 0, 0],
    [1, 1001, 0, 0],
    [1, 0xffff_ffff, 1, 0],
    [1, 500, 500, 1],
  ]) {
    const chunk = new SharedChunk('test', 8192, { acl: 'everyone', sole: true, refill: true }, NOBODY);
    for (const [i, field] of fields.entries()) chunk.bytes.writeUInt32LE(field, 32 + 4 * i);
    assert.throws(() => importChunk(chunk.grant(), chunk, { onWrite: 'fault', requireSealed: false }), {
      code: 'ERR_IOLITE_PROTOCOL',
      message: /its ACL is malformed/,
    });
    chunk.drop();
  }
});

test('resolveAcl() names the owner, and peers by their process', () => {
  const us = { pid: process.pid, uid: process.geteuid?.() as number, gid: process.getegid?.() as number };
  assert.deepEqual(resolveAcl(undefined), { uids: [us.uid], gids: [], pids: [us.pid, ANY_MACHINE] });
  assert.deepEqual(resolveAcl({ peers: [{ peer: { pid: 7, uid: 8, gid: 9 } }], gids: [3] }), {
    uids: [],
    gids: [3],
    pids: [7, us.pid],
  });
  assert.ok(admits(resolveAcl({}), us));
  assert.equal(admits(resolveAcl({}), { ...us, pid: us.pid + 1 }), false);
});

test('resolveAcl() refuses what is no ACL', () => {
  for (const acl of [
    7,
    'nobody',
    { uid: [1] },
    { uids: 1 },
    { uids: ['root'] },
    { peers: [{}] },
    { pids: [1.5] },
  ]) {
    assert.throws(() => resolveAcl(acl as Acl), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  for (const acl of [{ uids: [-1] }, { gids: [2 ** 32] }, { pids: Array.from({ length: 1001 }, () => 1) }]) {
    assert.throws(() => resolveAcl(acl), { code: 'ERR_IOLITE_RANGE' });
  }
});
