import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool } from '../../src/aggregate/pool.ts';
import { readStatus } from '../../src/observe/status.ts';

test('readStatus() reports the processes that are there, and the totals', async () => {
  using pool = createPool({ name: 'status-test' });
  const content = pool.from(Buffer.alloc(500_000, 'x'));
  const status = await readStatus({
    processes: [
      { role: 'primary', pid: process.pid, figures: { requests: 0, unlogged: 0 } },
      // Larger than any process id.
      { role: 'worker', pid: 2 ** 30, figures: { requests: 7, unlogged: 0 } },
    ],
    files: 1,
    dataBytes: content.length,
    servers: 4,
  });
  content.release();
  assert.deepEqual(
    status.processes.map(({ role, pid, requests }) => ({ role, pid, requests })),
    [{ role: 'primary', pid: process.pid, requests: 0 }],
  );
  assert.deepEqual(Object.keys(status.processes[0] ?? {}).sort(), [
    'chunkPss',
    'mapped',
    'pid',
    'pss',
    'requests',
    'role',
    'unlogged',
  ]);
  assert.ok(Math.abs(Date.parse(status.time) - Date.now()) < 60_000);
  const { physicalBytes, ...totals } = status.totals;
  assert.deepEqual(totals, { files: 1, dataBytes: 500_000, oneCopyEachBytes: 2_000_000 });
  assert.ok(physicalBytes >= 500_000 && physicalBytes < 520_000, `${physicalBytes} bytes`);
});
