import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool } from '../../src/aggregate/pool.ts';
import { Machines } from '../cluster/support/machines.ts';
import { withNats } from '../cluster/support/nats-server.ts';
import { Program } from '../support/program.ts';
import { watchdog } from '../support/watchdog.ts';

const MIB = 1024 ** 2;
const READER = new URL('../cluster/link/children/link-reader.ts', import.meta.url);

test('a stream of 1 GiB to a reader that stops costs its sender less than 16 MiB', withNats, async () => {
  await using machines = await Machines.start(['a']);
  await using reader = new Program(READER, [machines.server.url, 'b', 'stopped']);
  assert.equal(await reader.line(), 'listening');
  const link = machines.first.connect('stopped');
  await link.ready();
  using pool = createPool({ name: 'gibibyte' });
  const piece = Buffer.alloc(MIB, 1);
  await link.send({ head: 'warm', body: piece });
  assert.equal(await reader.line(), 'warm');
  global.gc?.();
  const before = process.memoryUsage.rss();
  let given = 0;
  async function* source(): AsyncGenerator<Buffer> {
    for (; given < 1024; given++) yield piece;
  }
  const failed = assert.rejects(link.sendStream(source(), { pool, head: 'stream' }), {
    code: 'ERR_IOLITE_PEER',
  });
  assert.equal(await reader.line(), 'stream');
  // What is sent behind comes after all that the stream may have on its way.
  for (let n = 0; n < 50; n++) {
    await link.send({ head: n, body: 'x' });
    assert.equal(await reader.line(), n);
  }
  global.gc?.();
  const grown = process.memoryUsage.rss() - before;
  assert.ok(given < 10, `${given} MiB were taken from the source`);
  assert.ok(grown < 16 * MIB, `the sender grew by ${grown / MIB} MiB`);
  reader.kill('SIGKILL');
  await watchdog(failed, 'the end of the stream');
  pool.trim();
  assert.equal(pool.stats().bytesMapped, 0);
});
