import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessList } from '../../src/memory/acl.ts';
import { Audiences } from '../../src/memory/audience.ts';
import { ChunkPool } from '../../src/memory/chunk-pool.ts';
import { admitsSeveral } from '../../src/memory/division.ts';
import type { SharedChunk } from '../../src/memory/shared-chunk.ts';
import { closeDescriptor } from '../../src/os/descriptor.ts';

const KiB = 1024;
const own = process.geteuid?.() as number;
const list = (uids: number[], gids: number[] = [], pids: number[] = []): AccessList => ({
  uids,
  gids,
  pids: [...pids, process.pid],
});

test('a pool is divided where its access list admits more than one group', () => {
  for (const acl of [list([own]), list([4242]), list([], [], [1]), list([])]) {
    assert.equal(admitsSeveral(acl), false);
  }
  for (const acl of ['everyone', list([own, 4242]), list([], [7]), list([own], [], [1])] as AccessList[]) {
    assert.equal(admitsSeveral(acl), true);
  }
});

test('a chunk is kept from other users, and from processes that are named', () => {
  const cases: [AccessList, number, number, boolean][] = [
    // access list, user and process of the peer, whether the chunk is kept from it
    ['everyone', own, 1, false],
    ['everyone', own + 1, 1, true],
    ['everyone', own + 1, process.pid, false],
    [list([own, own + 1]), own, 1, false],
    [list([own, own + 1]), own + 1, 1, true],
    [list([], [], [1, 2]), own, 1, true],
    [list([own + 1]), own + 1, 1, false],
  ];
  for (const [acl, uid, pid, isKept] of cases) {
    const pool = new ChunkPool({ acl });
    const { lease } = pool.reserve(10);
    assert.equal((lease.chunk as SharedChunk).isKeptFrom({ uid, pid, gid: 0 }), isKept);
    lease.release();
    pool.close();
  }
});

test('memory that was for others is zeroed before it is used again, and not used once it has left', () => {
  const pool = new ChunkPool({ limit: 256 * KiB });
  const audiences = new Audiences();
  const [a, b] = [audiences.of(['a']), audiences.of(['b'])];
  assert.equal(audiences.of(['a']), a);
  assert.notEqual(new Audiences().of(['a']), a);
  const fill = (audience: typeof a): { chunk: SharedChunk; before: number } => {
    const { lease, bytes } = pool.reserveChunk(60 * KiB, audience);
    const before = bytes[0] as number;
    bytes.fill(7);
    lease.release();
    return { chunk: lease.chunk as SharedChunk, before };
  };
  const { chunk } = fill(a);
  assert.deepEqual(fill(a), { chunk, before: 7 });
  assert.deepEqual(fill(b), { chunk, before: 0 });
  closeDescriptor(chunk.grant());
  assert.equal(chunk.suits(b), true);
  assert.equal(chunk.suits(a), false);
  assert.notEqual(fill(a).chunk, chunk);
  pool.close();
});
