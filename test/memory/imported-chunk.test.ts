import assert from 'node:assert/strict';
import { openSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { writeGeneration, writeHeader } from '../../src/memory/header.ts';
import { importChunk } from '../../src/memory/imported-chunk.ts';
import { SharedChunk } from '../../src/memory/shared-chunk.ts';
import { closeDescriptor, reopenReadOnly } from '../../src/os/descriptor.ts';
import { map } from '../../src/os/mapping/mapping.ts';
import { addSeals, createMemfd, Seal } from '../../src/os/memfd.ts';
import { collectGarbage } from '../support/garbage.ts';
import { watchdog } from '../support/watchdog.ts';
import { NOBODY } from './support/nobody.ts';

const SIZE = 16_384;
const OPTIONS = { onWrite: 'fault', requireSealed: false } as const;
const refused = { code: 'ERR_IOLITE_PROTOCOL' };

function makeChunk(refill = true): SharedChunk {
  const options = { acl: 'everyone', sole: true, refill, freezes: true } as const;
  return new SharedChunk('test', SIZE, options, NOBODY);
}

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

test('importChunk() shares the pages of the chunk it is given', () => {
  const chunk = makeChunk();
  chunk.bytes.write('hello', 4096);
  const imported = importChunk(chunk.grant(), chunk, OPTIONS);
  imported.addGrant();
  assert.equal(imported.id, chunk.id);
  assert.equal(imported.bytes.toString('latin1', 4096, 4101), 'hello');
  imported.removeGrant();
  chunk.drop();
});

test('importChunk() maps a chunk once, however often it comes', () => {
  const chunk = makeChunk();
  const first = importChunk(chunk.grant(), chunk, OPTIONS);
  first.addGrant();
  const before = openDescriptors();
  const second = importChunk(chunk.grant(), chunk, OPTIONS);
  second.addGrant();
  assert.equal(first, second);
  assert.equal(openDescriptors(), before);
  first.removeGrant();
  second.removeGrant();
  assert.equal(openDescriptors(), before - 1);
  chunk.drop();
});

test('importChunk() refuses, and closes, what is not a sealed chunk as stated', async () => {
  const good = makeChunk();
  const statement = { id: good.id, size: SIZE, sole: false };
  const unsealed = createMemfd('test', SIZE);
  const growable = createMemfd('test', SIZE);
  addSeals(growable, Seal.SHRINK | Seal.FUTURE_WRITE);
  const writable = createMemfd('test', SIZE);
  addSeals(writable, Seal.SHRINK | Seal.GROW);
  const noHeader = createMemfd('test', SIZE);
  addSeals(noHeader, Seal.SHRINK | Seal.GROW | Seal.WRITE);
  const before = openDescriptors();
  const descriptors: [number, Partial<typeof statement>][] = [
    [reopenReadOnly(unsealed), {}],
    [reopenReadOnly(growable), {}],
    [reopenReadOnly(writable), {}],
    [reopenReadOnly(noHeader), {}],
    [openSync('/dev/null', 'r'), {}],
    [openSync('/etc/passwd', 'r'), {}],
    [openSync('/', 'r'), {}],
    [good.grant(), { size: SIZE * 2 }],
    [good.grant(), { size: SIZE / 2 }],
    [good.grant(), { size: 4096 }],
    [good.grant(), { size: 2 ** 40 }],
    [good.grant(), { id: '0'.repeat(32) }],
  ];
  for (const [fd, changed] of descriptors) {
    assert.throws(() => importChunk(fd, { ...statement, ...changed }, OPTIONS), refused);
  }
  // What is no memfd is closed by another thread, where nobody waits for it.
  const closed = async (): Promise<void> => {
    while (openDescriptors() > before) await setImmediate();
  };
  await watchdog(closed(), 'what was refused to be closed');
  for (const fd of [unsealed, growable, writable, noHeader]) closeDescriptor(fd);
  good.drop();
});

test('importChunk() with requireSealed takes only what nobody can write', () => {
  const chunk = makeChunk();
  const sealed = { onWrite: 'fault', requireSealed: true } as const;
  assert.throws(() => importChunk(chunk.grant(), chunk, sealed), refused);
  chunk.freeze();
  const imported = importChunk(chunk.grant(), chunk, sealed);
  imported.addGrant();
  assert.equal(imported.frozen, true);
  imported.removeGrant();
  chunk.drop();
});

test("importChunk() with onWrite 'copy' maps pages to write, and its own cannot be written", () => {
  const chunk = makeChunk();
  chunk.bytes.fill(1, 4096);
  const imported = importChunk(chunk.grant(), chunk, { onWrite: 'copy', requireSealed: false });
  imported.addGrant();
  const mapping = imported.mapToWrite?.();
  assert.ok(mapping !== undefined);
  mapping.bytes[5000] = 2;
  assert.deepEqual([mapping.bytes[5000], imported.bytes[5000], chunk.bytes[5000]], [2, 1, 1]);
  imported.removeGrant();
  chunk.drop();
});

test('lease() is refused once the owner recycled the chunk, and not before', () => {
  const chunk = makeChunk();
  const imported = importChunk(chunk.grant(), chunk, OPTIONS);
  imported.addGrant();
  const lease = imported.lease(1);
  lease.retain();
  assert.equal(chunk.renew(), false);
  assert.equal(imported.lease(1), lease);
  lease.release();
  imported.unlockIfIdle();
  assert.equal(chunk.renew(), true);
  assert.throws(() => imported.lease(1), { code: 'ERR_IOLITE_STALE' });
  const next = imported.lease(2);
  next.retain();
  assert.equal(chunk.isLeasedElsewhere(), true);
  next.release();
  imported.removeGrant();
  assert.equal(chunk.isLeasedElsewhere(), false);
  chunk.drop();
});

test('map() of a header that a peer filled with noise is refused', () => {
  const fd = createMemfd('test', SIZE);
  map(fd, SIZE, 'read-write', true).bytes.fill(0xaa);
  addSeals(fd, Seal.SHRINK | Seal.GROW | Seal.FUTURE_WRITE);
  assert.throws(() => importChunk(fd, { id: 'aa'.repeat(16), size: SIZE, sole: false }, OPTIONS), refused);
});

test('a lease stands when one before it, of the same generation, is collected', async () => {
  const chunk = makeChunk();
  const imported = importChunk(chunk.grant(), chunk, OPTIONS);
  imported.addGrant();
  let collected = false;
  const registry = new FinalizationRegistry<undefined>(() => {
    collected = true;
  });
  (() => {
    const ended = imported.lease(1);
    ended.retain();
    ended.release();
    registry.register(ended, undefined);
  })();
  imported.unlockIfIdle();
  const lease = imported.lease(1);
  lease.retain();
  await collectGarbage(() => collected);
  // Finalisers of one object may run in turns of their own.
  for (let turn = 0; turn < 5; turn++) await setImmediate();
  imported.unlockIfIdle();
  assert(chunk.isLeasedElsewhere());
  assert.equal(chunk.renew(), false);
  lease.release();
  imported.unlockIfIdle();
  assert.equal(chunk.renew(), true);
  imported.removeGrant();
  chunk.drop();
});

test('a lease that ended serves again as long as the kernel lock stands', () => {
  const chunk = makeChunk();
  const imported = importChunk(chunk.grant(), chunk, OPTIONS);
  imported.addGrant();
  const lease = imported.lease(1);
  lease.retain();
  lease.release();
  assert.equal(imported.lease(1), lease);
  lease.retain();
  imported.unlockIfIdle();
  assert.equal(chunk.renew(), false, 'it is a lease again');
  lease.release();
  imported.unlockIfIdle();
  assert.equal(chunk.renew(), true);
  assert.throws(() => imported.lease(1), { code: 'ERR_IOLITE_STALE' });
  const next = imported.lease(2);
  assert.notEqual(next, lease);
  next.retain();
  next.release();
  imported.removeGrant();
  chunk.drop();
});

test('a received chunk may be sent by reference if its owner never refills it, or nobody can', () => {
  for (const [chunk, isSafe] of [
    [makeChunk(), false],
    [makeChunk(false), true],
    [makeChunk(), true],
  ] as const) {
    if (isSafe && chunk.generation === 1) chunk.freeze();
    const imported = importChunk(chunk.grant(), chunk, OPTIONS);
    imported.addGrant();
    assert.equal(imported.sendableDescriptor() !== undefined, isSafe);
    imported.removeGrant();
    chunk.drop();
  }
});

test('a chunk whose owner raises its generation under a lease is refused, and stays whole', () => {
  const fd = createMemfd('test', SIZE);
  const theirs = map(fd, SIZE, 'read-write', true);
  const id = writeHeader(theirs.bytes, 1, 'everyone');
  addSeals(fd, Seal.SHRINK | Seal.GROW | Seal.FUTURE_WRITE);
  const imported = importChunk(reopenReadOnly(fd), { id, size: SIZE, sole: false }, OPTIONS);
  imported.addGrant();
  const lease = imported.lease(1);
  lease.retain();
  writeGeneration(theirs.bytes, 2);
  assert.throws(() => imported.lease(2), refused);
  lease.release();
  imported.removeGrant();
  closeDescriptor(fd);
});

test('a chunk that is not used any more passes no descriptor, whatever file has its number by then', () => {
  const chunk = makeChunk();
  const imported = importChunk(chunk.grant(), chunk, OPTIONS);
  imported.addGrant();
  imported.removeGrant();
  chunk.drop();
  const others = [openSync('/etc/passwd', 'r'), openSync('/etc/passwd', 'r')];
  assert.throws(() => imported.grant(), { code: 'ENOENT' });
  assert.throws(() => chunk.grant(), { code: 'ENOENT' });
  for (const fd of others) closeDescriptor(fd);
});

test('what an owner has written down is believed of our own user alone, and never of what is sealed', () => {
  const key = Buffer.alloc(16, 'k');
  for (const [isOwnUser, isFrozen, found] of [
    [true, false, 'fact'],
    [false, false, undefined],
    [true, true, undefined],
  ] as const) {
    const chunk = makeChunk();
    chunk.keepFact(chunk.generation, key, Buffer.from('fact'));
    assert.equal(chunk.factOf(chunk.generation, key)?.toString(), 'fact');
    if (isFrozen) chunk.freeze();
    const imported = importChunk(chunk.grant(), chunk, { ...OPTIONS, isOwnUser });
    imported.addGrant();
    assert.equal(imported.factOf(chunk.generation, key)?.toString(), found);
    assert.equal(imported.factOf(chunk.generation + 1, key), undefined);
    imported.removeGrant();
    chunk.drop();
    chunk.keepFact(chunk.generation, key, Buffer.from('late'));
  }
});
