import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool } from '../../src/aggregate/pool.ts';
import { ended, Family } from '../support/family.ts';
import { watchdog } from '../support/watchdog.ts';

const PROBER = new URL('./children/prober.ts', import.meta.url);
const TEXT = 'the one physical copy';

for (const kind of ['recycle', 'protect', 'seal'] as const) {
  test(`a write into a received view ends the writer, and nobody else sees it (${kind})`, async () => {
    await using family = new Family();
    using pool = createPool({ kind });
    using body = pool.from(TEXT);
    const writer = await family.fork(PROBER, ['fault'], { stdio: 'ignore' });
    const sibling = await family.fork(PROBER, ['fault']);
    for (const { channel } of [writer, sibling]) await channel.request({ head: { ask: 'keep' }, body });
    const write = writer.channel.request({ head: { ask: 'write' } });
    await assert.rejects(watchdog(write, 'the writer to fail'), {
      code: 'ERR_IOLITE_PEER',
      message: 'The peer is gone: SIGSEGV killed it',
      exitCode: null,
      signal: 'SIGSEGV',
    });
    assert.deepEqual(await ended(writer.process), { code: null, signal: 'SIGSEGV' });
    assert.equal(body.toString(), TEXT);
    assert.deepEqual((await sibling.channel.request({ head: { ask: 'read' } })).head, [TEXT]);
  });

  test(`with onWrite 'copy' a write stays in a private page of the writer (${kind})`, async () => {
    await using family = new Family();
    using pool = createPool({ kind });
    using body = pool.from(TEXT);
    const writer = await family.fork(PROBER, ['copy']);
    const sibling = await family.fork(PROBER, ['copy']);
    for (const { channel } of [writer, sibling]) await channel.request({ head: { ask: 'keep' }, body });
    const { head } = await writer.channel.request({ head: { ask: 'write' } });
    assert.deepEqual(head, ['X'.repeat(TEXT.length)]);
    assert.equal(body.toString(), TEXT);
    assert.deepEqual((await sibling.channel.request({ head: { ask: 'read' } })).head, [TEXT]);
  });

  test(`a received descriptor neither writes nor maps for writing, reopened or not (${kind})`, async () => {
    await using family = new Family();
    using pool = createPool({ kind });
    using body = pool.from(TEXT);
    const { channel } = await family.fork(PROBER);
    await channel.request({ head: { ask: 'keep' }, body });
    const { head } = await channel.request({ head: { ask: 'descriptors' } });
    const refused = { write: 'EBADF', map: 'EACCES', writeReopened: 'EPERM', mapReopened: 'EPERM' };
    assert.deepEqual(head, [refused]);
    assert.equal(body.toString(), TEXT);
  });
}
