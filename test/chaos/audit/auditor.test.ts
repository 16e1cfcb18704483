import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  disagreements,
  leftovers,
  type Statement,
  sharedWriters,
  unreturned,
} from '../../../chaos/audit/auditor.ts';
import { mappingsIn, type ProcessView, viewOf } from '../../../chaos/audit/process-view.ts';
import type { PoolStats } from '../../../src/memory/pool-stats.ts';
import { Program } from '../../support/program.ts';

const NOTHING: PoolStats = {
  chunks: 0,
  chunksIdle: 0,
  bytesMapped: 0,
  bytesLive: 0,
  bytesUsed: 0,
  bytesHeld: 0,
  recycled: 0,
  allocated: 0,
  leaked: 0,
};
const EMPTY: ProcessView = {
  pid: 1,
  mappings: [],
  memory: [],
  sockets: 0,
  descriptors: 0,
  proportionalBytes: 0,
  locked: [],
};
const stated = (pool: PoolStats): Statement => ({ name: 'planted', pool, holders: [], imported: [] });

test('a planted leak is found by what the kernel says: in a process that says it has nothing', async () => {
  await using program = new Program(new URL('./children/planter.ts', import.meta.url));
  const stats = (await program.line()) as PoolStats;
  assert.equal(stats.chunks, 1);
  const view = viewOf(program.pid) as ProcessView;
  assert.deepEqual(disagreements(view, stated(stats)), []);
  assert.deepEqual(disagreements(view, stated(NOTHING)), [
    '1 chunks are held, 0 by what it says',
    '1048576 bytes are mapped for writing, 0 by what it says',
  ]);
  assert.deepEqual(leftovers(view), ['1 mappings of planted', '1 descriptors of memory']);
  assert.deepEqual(unreturned(stated(stats)), [`1 chunks of its pool (${stats.bytesHeld} bytes held)`]);
});

test('what a process says and has not is found', () => {
  const view: ProcessView = { ...EMPTY, sockets: 2, locked: [7] };
  assert.deepEqual(disagreements(view, stated({ ...NOTHING, chunks: 1 })), [
    '0 chunks of its pool are held, 1 by what it says',
  ]);
  assert.deepEqual(leftovers(view), ['1 leases', '2 sockets']);
  assert.deepEqual(leftovers({ ...view, locked: [] }, 2), []);
});

test('two processes that can write the same memory are found, readers are not', () => {
  const maps = (rights: string) =>
    mappingsIn(`7f0000000000-7f0000100000 ${rights} 00000000 00:01 1029    /memfd:iolite:p (deleted)\n`);
  const view = (pid: number, rights: string): ProcessView => ({
    ...EMPTY,
    pid,
    mappings: maps(rights),
  });
  assert.deepEqual(maps('rw-s'), [{ inode: 1029, name: 'p', bytes: 2 ** 20, writesThrough: true }]);
  assert.deepEqual(sharedWriters([view(1, 'rw-s'), view(2, 'r--s'), view(3, 'rw-p')]), []);
  assert.deepEqual(sharedWriters([view(1, 'rw-s'), view(2, 'rw-s')]), [
    'memory 1029 is mapped for writing by processes 1, 2',
  ]);
});

test('a process that is gone has no view', () => {
  assert.equal(viewOf(2 ** 22 + 1), undefined);
});
