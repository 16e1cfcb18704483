import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReceiveRoom } from '../../src/aggregate/receive-room.ts';
import { ChunkPool } from '../../src/memory/chunk-pool.ts';

test('what comes follows what came in the same buffer, unless the pool seals each', () => {
  for (const kind of ['recycle', 'seal'] as const) {
    const pool = new ChunkPool({ kind });
    const receiveRoom = new ReceiveRoom(pool);
    const parts = ['one', 'two', 'three'].map(text => receiveRoom.take(receiveRoom.room().write(text)));
    receiveRoom.close();
    assert.deepEqual(parts.map(String), ['one', 'two', 'three']);
    const chunks = new Set(parts.flatMap(part => part.slices().map(({ id }) => id.chunk)));
    assert.equal(chunks.size, kind === 'recycle' ? 1 : 3);
    for (const part of parts) part.release();
    assert.equal(pool.stats().leaked, 0);
    pool.close();
  }
});
