import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool } from '../../src/aggregate/pool.ts';
import { chunksIn, readProcessMaps, readProportionalSize } from '../../src/observe/process-maps.ts';

const MAPS = `559f2a000000-559f2a001000 r--p 00000000 08:01 131                /usr/bin/node
7f0000000000-7f0000100000 rw-s 00000000 00:01 1029               /memfd:iolite:cache (deleted)
7f0000200000-7f0000300000 rw-s 00000000 00:01 1029               /memfd:iolite:cache (deleted)
7f0000400000-7f0000401000 r--s 00000000 00:01 77                 /memfd:iolite:a b (deleted)
7f0000500000-7f0000501000 r--s 00000000 00:01 78                 /memfd:other (deleted)
7ffe00000000-7ffe00001000 rw-p 00000000 00:00 0                  [stack]
`;

test('the chunks of a maps file, each once, and the address space of all of their mappings', () => {
  const { mapped, inodes } = chunksIn(MAPS);
  assert.deepEqual([...inodes], [1029, 77]);
  assert.equal(mapped, 2 * 0x100000 + 0x1000);
});

test('a process maps what it has a pool of', async () => {
  const before = await readProcessMaps(process.pid);
  using pool = createPool();
  using _text = pool.from('text');
  const after = await readProcessMaps(process.pid);
  assert.equal((after?.inodes.size ?? 0) - (before?.inodes.size ?? 0), 1);
  assert.ok((after?.rss ?? 0) > 1024 ** 2);
  assert.ok(((await readProportionalSize(process.pid)) ?? 0) > 1024 ** 2);
  assert.equal(await readProcessMaps(2 ** 22 + 1), undefined);
  assert.equal(await readProportionalSize(2 ** 22 + 1), undefined);
});
