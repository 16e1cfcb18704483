import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ReadableStream } from 'node:stream/web';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { closeDescriptor } from '../../../src/os/descriptor.ts';
import { abandon, forgetPages, map, mapPrivate } from '../../../src/os/mapping/mapping.ts';
import { createMemfd } from '../../../src/os/memfd.ts';
import { collectGarbage } from '../../support/garbage.ts';

const SIZE = 8 * 4096;

function withMemfd(name: string, use: (fd: number) => void): void {
  const fd = createMemfd(name, SIZE);
  try {
    use(fd);
  } finally {
    closeDescriptor(fd);
  }
}

const isMapped = (name: string): boolean =>
  readFileSync('/proc/self/maps', 'latin1').includes(`/memfd:${name} `);

test('map() shares pages between mappings of a file', () => {
  withMemfd('test', fd => {
    const writable = map(fd, SIZE, 'read-write', true);
    const readable = map(fd, SIZE, 'read-only', false);
    const copied = map(fd, SIZE, 'copy-on-write', false);
    writable.bytes[100] = 1;
    assert.equal(readable.bytes[100], 1);
    assert.equal(copied.bytes[100], 1);
    copied.bytes[100] = 2;
    assert.deepEqual([writable.bytes[100], readable.bytes[100], copied.bytes[100]], [1, 1, 2]);
  });
});

test('map() reports what the kernel refuses', () => {
  assert.throws(() => map(-1, SIZE, 'read-only', false), { code: 'EBADF', syscall: 'mmap' });
  withMemfd('test', fd => {
    assert.throws(() => map(fd, 0, 'read-only', false), { code: 'EINVAL', syscall: 'mmap' });
  });
});

test('abandon() lets go of the file at once, and views read as zeros', () => {
  withMemfd('test-abandon', fd => {
    const mapping = map(fd, SIZE, 'read-write', true);
    mapping.bytes.fill(7);
    assert.ok(isMapped('test-abandon'));
    abandon(mapping);
    assert.ok(!isMapped('test-abandon'));
    assert.ok(mapping.bytes.every(byte => byte === 0));
  });
});

test('forgetPages() keeps the content', () => {
  withMemfd('test', fd => {
    const mapping = map(fd, SIZE, 'read-write', true);
    mapping.bytes.fill(7);
    forgetPages(mapping, 4096, 8192);
    assert.ok(mapping.bytes.every(byte => byte === 7));
  });
});

test('a mapping is undone when its view is collected', async () => {
  withMemfd('test-collected', fd => {
    map(fd, SIZE, 'read-only', false);
  });
  assert.ok(isMapped('test-collected'));
  await collectGarbage(() => !isMapped('test-collected'));
});

test('the memory of a view cannot be moved away from it', () => {
  withMemfd('test', fd => {
    const { buffer } = map(fd, SIZE, 'read-only', false).shown as unknown as {
      buffer: { transfer(): unknown };
    };
    assert.throws(() => buffer.transfer(), { code: 'ERR_IOLITE_UNSUPPORTED' });
  });
});

/** Maps a file, has a BYOB reader move the memory, and abandons the mapping. @returns the view it moved to */
async function movedAndAbandoned(collected: FinalizationRegistry<undefined>): Promise<Uint8Array> {
  const fd = createMemfd('test-moved', SIZE);
  const mapping = map(fd, SIZE, 'read-write', true);
  closeDescriptor(fd);
  const { shown } = mapping;
  collected.register(shown.buffer, undefined);
  const stream = new ReadableStream({
    type: 'bytes',
    pull: controller => controller.byobRequest?.respond(SIZE),
  });
  const reader = stream.getReader({ mode: 'byob' });
  const { value } = await reader.read(new Uint8Array(shown.buffer as ArrayBuffer));
  assert.equal(shown.length, 0);
  abandon(mapping);
  return value as Uint8Array;
}

test('memory that a BYOB reader has moved out of its view stays readable', async () => {
  let count = 0;
  const collected = new FinalizationRegistry<undefined>(() => {
    count += 1;
  });
  const moved = await movedAndAbandoned(collected);
  await collectGarbage(() => count === 1);
  // By now the finaliser that would unmap it has run too.
  await setImmediate();
  assert.ok(moved.every(byte => byte === 0));
});

test('mapPrivate() gives zeros of this process alone, which cost nothing until they are written', () => {
  const length = 64 * 1024 ** 2;
  const before = process.memoryUsage().rss;
  const memory = mapPrivate(length);
  assert.deepEqual(
    [memory.bytes.length, memory.length, memory.address % (2 * 1024 ** 2)],
    [length, length, 0],
  );
  for (const at of [0, 4096, length - 1]) {
    assert.equal(memory.bytes[at], 0);
    memory.bytes[at] = 7;
    assert.equal(memory.bytes[at], 7);
  }
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < length / 4, `${grown} bytes were taken`);
  assert.throws(() => mapPrivate(2 ** 50), { code: 'ENOMEM', syscall: 'mmap' });
});

test('mapPrivate() gives its memory back when nobody has a view of it', async () => {
  const addresses: string[] = [];
  (() => {
    const { address } = mapPrivate(64 * 1024 ** 2);
    addresses.push(address.toString(16));
  })();
  const isThere = (): boolean => {
    const lines = readFileSync('/proc/self/maps', 'latin1').split('\n');
    const at = Number.parseInt(addresses[0] as string, 16);
    return lines.some(line => {
      const [start = '', end = ''] = (line.split(' ')[0] ?? '').split('-');
      return Number.parseInt(start, 16) <= at && at < Number.parseInt(end, 16);
    });
  };
  assert.ok(isThere());
  await collectGarbage(() => !isThere());
});
