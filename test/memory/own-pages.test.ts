import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importChunk } from '../../src/memory/imported-chunk.ts';
import { pagesToWrite } from '../../src/memory/own-pages.ts';
import { SharedChunk } from '../../src/memory/shared-chunk.ts';
import { NOBODY } from './support/nobody.ts';

for (const [size, how] of [
  [1000, 'copied'],
  [100_000, 'mapped'],
] as const) {
  test(`pagesToWrite() gives bytes that nobody else has, ${how}, and holds what they come from`, () => {
    const options = { acl: 'everyone', sole: true, refill: true } as const;
    const chunk = new SharedChunk('test', 32 * 4096, options, NOBODY);
    chunk.bytes.fill(1, 4096);
    const imported = importChunk(chunk.grant(), chunk, { onWrite: 'copy', requireSealed: false });
    imported.addGrant();
    const lease = imported.lease(1);
    lease.retain();
    const own = pagesToWrite(lease, 5000, 5000 + size);
    own.lease.retain();
    lease.release();
    imported.unlockIfIdle();
    // What is mapped shows the pages of the chunk until they are written.
    assert.equal(chunk.renew(), how === 'copied');
    const { shown, bytes } = own.lease.chunk;
    assert.equal(bytes[own.start + size - 1], 1);
    shown[own.start] = 2;
    assert.deepEqual([bytes[own.start], lease.bytes[5000]], [2, 1]);
    assert.equal(own.lease.chunk.sendableDescriptor(), undefined);
    own.lease.release();
    imported.unlockIfIdle();
    assert.equal(chunk.renew(), true);
    imported.removeGrant();
    chunk.drop();
  });
}
