import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { PAGE_BYTES } from '../../src/memory/chunk.ts';
import { ChunkPool } from '../../src/memory/chunk-pool.ts';
import type { Lease } from '../../src/memory/lease.ts';
import type { Reservation } from '../../src/memory/reservation.ts';
import { ended } from '../support/family.ts';
import { Program } from '../support/program.ts';
import { STRAY_WRITES } from './children/stray-writes.ts';

const STRAY_WRITER = new URL('./children/stray-writer.ts', import.meta.url);

for (const name of STRAY_WRITES) {
  test(`a write into ${name} ends the process with SIGSEGV`, async () => {
    await using program = new Program(STRAY_WRITER, [name]);
    assert.equal(typeof (await program.line()), 'number', 'it can be read');
    assert.equal(await program.line(), undefined, 'it is not written');
    assert.deepEqual(await ended(program.process), { code: null, signal: 'SIGSEGV' });
  });
}

/** What the kernel lets this process write of the chunk, by page. */
function writablePages(id: string, lease: Lease, name: string): boolean[] {
  const pages: boolean[] = [];
  for (const line of readFileSync('/proc/self/maps', 'latin1').split('\n')) {
    const range = /^(\w+)-(\w+) (\S+) (\w+) /.exec(line);
    if (range === null || !line.includes(`/memfd:iolite:${name} `)) continue;
    const [, start = '', end = '', access = '', offset = ''] = range;
    const first = Number.parseInt(offset, 16) / PAGE_BYTES;
    const count = (Number.parseInt(end, 16) - Number.parseInt(start, 16)) / PAGE_BYTES;
    for (let page = first; page < first + count; page++) pages[page] = access.includes('w');
  }
  assert.equal(pages.length * PAGE_BYTES, lease.chunk.size, id);
  return pages;
}

test('pages that are being filled can be written, and never one with a byte that is sealed', () => {
  const step = fc.record({
    do: fc.constantFrom('open', 'open', 'copy', 'commit', 'commit part', 'cancel'),
    size: fc.oneof(fc.nat(200), fc.nat(3 * PAGE_BYTES)),
    which: fc.nat(20),
  });
  let run = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), steps => {
      run += 1;
      const name = `pages-${run}`;
      using pool = new ChunkPool({ name, kind: 'protect', chunkSize: 1024 ** 2 });
      const open: Reservation[] = [];
      const sealed: { lease: Lease; start: number; end: number; value: number }[] = [];
      const commit = (reservation: Reservation, length: number, value: number): void => {
        const { offset: start } = reservation;
        reservation.bytes.fill(value);
        sealed.push({ lease: pool.commit(reservation, length), start, end: start + length, value });
      };
      for (const [value, { do: what, size, which }] of steps.entries()) {
        if (what === 'open') open.push(pool.reserve(size));
        else if (what === 'copy') commit(pool.reserve(size, true), size, value);
        else if (open.length > 0) {
          const [chosen] = open.splice(which % open.length, 1) as [Reservation];
          if (what === 'cancel') pool.cancel(chosen);
          else commit(chosen, what === 'commit' ? chosen.length : chosen.length >> 1, value);
        }
      }
      const { lease } = pool.reserve(0);
      const pages = writablePages(lease.chunk.id, lease, name);
      const covered = (start: number, end: number): boolean[] =>
        start === end ? [] : pages.slice(Math.floor(start / PAGE_BYTES), Math.ceil(end / PAGE_BYTES));
      for (const { start, end, value } of sealed) {
        assert.ok(!covered(start, end).includes(true), `${start} to ${end} is protected`);
        assert.ok(
          lease.bytes.subarray(start, end).every(byte => byte === value),
          'its bytes are its own',
        );
      }
      for (const { offset, length } of open)
        assert.ok(
          !covered(offset, offset + length).includes(false),
          `${offset} to ${offset + length} is open`,
        );
      assert.equal(pages[0], false, 'the header is protected');
    }),
    { numRuns: 200 },
  );
});

test('chunks are refilled, as those of kind recycle are', () => {
  using pool = new ChunkPool({ kind: 'protect' });
  const ids = new Set<string>();
  for (let round = 0; round < 5; round++) {
    const reservation = pool.reserve(1024 ** 2);
    reservation.bytes.fill(round);
    const lease = pool.commit(reservation, 1024 ** 2);
    ids.add(lease.chunk.id);
    lease.release();
  }
  assert.equal(ids.size, 1);
  assert.equal(pool.stats().recycled, 4);
});

test('on the heap, where nothing can be protected, it is recycle', () => {
  using pool = new ChunkPool({ kind: 'protect', memory: 'heap' });
  const reservation = pool.reserve(10);
  reservation.bytes.fill(1);
  pool.commit(reservation, 10).release();
  assert.equal(pool.stats().chunks, 1);
});

test('a copy behind an open buffer shares no page with it, whatever was made elsewhere meanwhile', () => {
  const LARGE_BYTES = 512 * 1024;
  using pool = new ChunkPool({ kind: 'protect' });
  for (const end of ['commit', 'cancel'] as const) {
    const open = pool.reserve(100);
    const large = pool.reserve(LARGE_BYTES, true);
    if (end === 'commit') pool.commit(large, LARGE_BYTES);
    else pool.cancel(large);
    const copy = pool.reserve(10, true);
    assert.equal(copy.lease, open.lease);
    pool.commit(copy, 10);
    const pageOf = (offset: number): number => Math.floor(offset / PAGE_BYTES);
    assert.ok(pageOf(copy.offset) > pageOf(open.offset), 'it can be written still');
    open.bytes.fill(1);
    pool.commit(open, 100);
  }
});
