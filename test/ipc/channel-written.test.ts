import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { createPool } from '../../src/aggregate/pool.ts';
import { crc32 } from '../../src/aggregate/tree/crc32.ts';
import { Family } from '../support/family.ts';

const SCRIBBLER = new URL('./children/scribbler.ts', import.meta.url);

for (const size of [16, 200_000]) {
  for (const kind of ['recycle', 'seal'] as const) {
    test(`what was written is one thing in every way it is read (${size} bytes, ${kind})`, async () => {
      await using family = new Family();
      using pool = createPool({ kind });
      const { channel } = await family.fork(SCRIBBLER);
      using body = pool.from('A'.repeat(size));
      const { head } = await channel.request({ head: { ask: 'write' }, body });
      const written = Buffer.alloc(size, 'X');
      assert.deepEqual(head, {
        text: 'XXXXXXXX',
        byte: 0x58,
        copy: 'XXXX',
        sha256: createHash('sha256').update(written).digest('hex'),
        crc32: crc32(written).toString(16).padStart(8, '0'),
        sentByCopy: 'XXXXXXXX',
        sentByReference: 'XXXXXXXX',
      });
      const { body: back } = await channel.request({ head: { ask: 'send back' } });
      assert.ok(back?.equals(written));
      back?.release();
      assert.ok(body.equals('A'.repeat(size)));
      // The same buffer once more is another body, and so is what lies in the same page.
      using next = pool.from('B'.repeat(size));
      const again = await channel.request({ head: { ask: 'read' }, body });
      const neighbour = await channel.request({ head: { ask: 'read' }, body: next });
      assert.deepEqual([again.head, neighbour.head], ['AAAAAAAA', 'BBBBBBBB']);
    });
  }

  test(`a chunk that was written and then filled again is read as it is (${size} bytes)`, async () => {
    await using family = new Family();
    using pool = createPool({ limit: 1.5 * 1024 ** 2 });
    const { channel } = await family.fork(SCRIBBLER);
    for (const letter of ['A', 'B', 'C', 'D']) {
      using body = pool.from(letter.repeat(size));
      const { head } = await channel.request({ head: { ask: 'read' }, body });
      assert.equal(head, letter.repeat(8));
      await channel.request({ head: { ask: 'write' }, body });
      await channel.request({ head: { ask: 'release' } });
    }
  });
}
