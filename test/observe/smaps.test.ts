import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { createPool } from '../../src/aggregate/pool.ts';
import { readChunkFiles, readProcessMemory, sumChunks } from '../../src/observe/smaps.ts';
import { watchdog } from '../support/watchdog.ts';

const MIB = 1024 ** 2;
const PAGE = 4096;

test('readProcessMemory() and readChunkFiles() show the chunks of a pool', async () => {
  const before = await readProcessMemory(process.pid);
  const filesBefore = await readChunkFiles();
  using pool = createPool({ name: 'smaps-test' });
  const content = pool.from(Buffer.alloc(3 * MIB, 'x'));
  const during = await readProcessMemory(process.pid);
  const filesDuring = await readChunkFiles();
  assert.ok(before !== undefined && during !== undefined);
  // The content and the page of its header, all of it filled here, mapped nowhere else.
  assert.equal(during.mapped - before.mapped, 3 * MIB + PAGE);
  assert.equal(during.chunkPss - before.chunkPss, 3 * MIB + PAGE);
  assert.ok(during.pss > during.chunkPss);
  assert.equal(filesDuring.files - filesBefore.files, 1);
  assert.equal(filesDuring.bytes - filesBefore.bytes, 3 * MIB + PAGE);
  content.release();
  pool.close();
  const after = await readProcessMemory(process.pid);
  assert.equal(after?.mapped, before.mapped);
  assert.deepEqual(await readChunkFiles(), filesBefore);
});

test('readProcessMemory() of a process that has ended is undefined', async () => {
  const child = spawn(process.execPath, ['--eval', '0']);
  await watchdog(once(child, 'exit'), 'a child to end');
  assert.equal(await readProcessMemory(child.pid as number), undefined);
});

test('readProcessMemory() survives processes that end while they are read', async () => {
  const child = spawn('sleep', ['60']);
  const exited = once(child, 'exit');
  try {
    for (let i = 0; i < 20; i++) {
      if (i === 10) child.kill('SIGKILL');
      const memory = await readProcessMemory(child.pid as number);
      if (i < 10) assert.equal(memory?.chunkPss, 0);
    }
  } finally {
    child.kill('SIGKILL');
    await watchdog(exited, 'a child to end');
  }
});

test('sumChunks() adds the mappings of chunks, and no others', () => {
  const mapping = (name: string, size: number, pss: number): string =>
    `7f0000000000-7f0000100000 r--s 00000000 00:01 123 ${name}\n` +
    `Size:             ${size} kB\nKernelPageSize:  4 kB\nRss:    900 kB\n` +
    `Pss:                 ${pss} kB\nPss_Dirty:         77 kB\nSwapPss:           55 kB\nVmFlags: rd sh\n`;
  const text = [
    mapping('/memfd:iolite:file-cache (deleted)', 1028, 514),
    mapping('/usr/lib/libc.so.6', 2048, 300),
    mapping('/memfd:other (deleted)', 64, 64),
    mapping('', 32, 32),
    mapping('/memfd:iolite:pool (deleted)', 8, 3),
  ].join('');
  assert.deepEqual(sumChunks(text), { mapped: 1036 * 1024, chunkPss: 517 * 1024 });
  assert.deepEqual(sumChunks(''), { mapped: 0, chunkPss: 0 });
});
