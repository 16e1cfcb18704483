import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { closeDescriptor } from '../../../src/os/descriptor.ts';
import type { MappedMemory } from '../../../src/os/mapping/mapped-memory.ts';
import { abandon, map } from '../../../src/os/mapping/mapping.ts';
import { uncountedMemory } from '../../../src/os/mapping/uncounted-memory.ts';
import { createMemfd } from '../../../src/os/memfd.ts';
import { collectGarbage } from '../../support/garbage.ts';

const PAGE_BYTES = 4096;
const SIZE = 8 * PAGE_BYTES;
const MANY = 16;

/** Enough mappings that some are counted. */
function mapMany(name: string): MappedMemory[] {
  return Array.from({ length: MANY }, (_, at) => {
    const fd = createMemfd(name, SIZE);
    const memory = map(fd, SIZE, 'read-write', true);
    closeDescriptor(fd);
    memory.bytes.fill(at + 1);
    return memory;
  });
}

function checkFilled(views: readonly Buffer[]): void {
  for (const [at, bytes] of views.entries()) assert.ok(bytes.every(byte => byte === at + 1));
}

const mapped = (name: string): number =>
  readFileSync('/proc/self/maps', 'latin1').split(`/memfd:${name} `).length - 1;

test('the addresses are whole pages, seven of eight times', () => {
  const all = Array.from({ length: MANY }, () => uncountedMemory(SIZE));
  const given = all.filter(each => each !== undefined);
  assert.equal(given.length, (MANY * 7) / 8);
  for (const { address, buffer } of given) {
    assert.equal(address % PAGE_BYTES, 0);
    assert.equal(buffer.byteLength, SIZE);
  }
  assert.equal(new Set(given.map(({ address }) => address)).size, given.length);
  assert.equal(uncountedMemory(2 ** 60) ?? uncountedMemory(2 ** 60), undefined);
});

test('what programs got stays where it is when nothing else is left of a mapping', async () => {
  const name = 'test-shown-alone';
  let held: Buffer[] = mapMany(name).map(({ shown }) => shown);
  const others = new FinalizationRegistry<undefined>(() => (count += 1));
  let count = 0;
  for (let at = 0; at < MANY; at++) others.register({}, undefined);
  await collectGarbage(() => count === MANY);
  await setImmediate();
  checkFilled(held);
  held = [];
  await collectGarbage(() => mapped(name) === 0);
});

function abandonAll(name: string): void {
  const held = mapMany(name);
  for (const memory of held) assert.ok(abandon(memory));
  assert.equal(mapped(name), 0);
  for (const { bytes } of held) assert.ok(bytes.every(byte => byte === 0));
}

test('mappings go with their last views, those that were abandoned at once', async () => {
  const name = 'test-uncounted';
  abandonAll(name);
  let views: Buffer[] = mapMany(name).map(({ bytes }) => bytes.subarray(PAGE_BYTES));
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc?.();
    await setImmediate();
    checkFilled(views);
  }
  assert.equal(mapped(name), MANY);
  views = [];
  await collectGarbage(() => mapped(name) === 0);
});

test('V8 does not collect because of what is mapped', async () => {
  let collections = 0;
  const major = constants.NODE_PERFORMANCE_GC_MAJOR;
  const observer = new PerformanceObserver(list => {
    for (const { detail } of list.getEntries() as (PerformanceEntry & { detail: { kind: number } })[])
      if (detail.kind === major) collections += 1;
  });
  observer.observe({ entryTypes: ['gc'] });
  const length = 16 * 1024 ** 2;
  const held: MappedMemory[] = [];
  // 1 GiB, none of which has a page. Each mapping that counts may be the end of a step of V8's.
  for (let times = 0; times < 64; times++) {
    const fd = createMemfd('test-gc', length);
    held.push(map(fd, length, 'read-only', false));
    closeDescriptor(fd);
    await setImmediate();
  }
  await setImmediate();
  observer.disconnect();
  assert.ok(collections <= 8, `${collections} collections`);
  for (const memory of held) abandon(memory);
});

// The last one: none is given to this process any more.
test('where the kernel refuses it is said why, and after a while such addresses are not tried', () => {
  const closed = createMemfd('test-refused', SIZE);
  closeDescriptor(closed);
  for (let times = 0; times < 3 * MANY; times++)
    assert.throws(() => map(closed, SIZE, 'read-only', false), { code: 'EBADF' });
  for (let times = 0; times < MANY; times++) assert.equal(uncountedMemory(SIZE), undefined);
  for (const memory of mapMany('test-counted')) {
    assert.ok(memory.bytes.buffer instanceof ArrayBuffer);
    abandon(memory);
  }
});
