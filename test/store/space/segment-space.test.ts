import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool, type Pool } from '../../../src/aggregate/pool.ts';
import { Audiences } from '../../../src/memory/audience.ts';
import type { SharedChunk } from '../../../src/memory/shared-chunk.ts';
import { SegmentSpace } from '../../../src/store/space/segment-space.ts';
import { physicalBytes } from '../../file/support/physical.ts';

const KiB = 1024;
const MiB = 1024 ** 2;
const TENANT = 'a tenant';

/** The segments of a cache of 16 MiB. */
class Fixture {
  readonly pool: Pool;
  readonly space: SegmentSpace<string>;
  readonly audiences = new Audiences();

  constructor(options: Parameters<typeof createPool>[0] = {}) {
    this.pool = createPool({ name: 'space', ...options });
    this.space = new SegmentSpace<string>(this.pool.chunks, 16 * MiB);
  }

  /** Takes a content over. @returns it as it is kept, which the caller releases */
  adopt(content: Aggregate): Aggregate | undefined {
    const room = this.space.adopt(content, 0, this.audiences.none);
    return room === undefined ? undefined : this.space.commit(room, TENANT);
  }

  [Symbol.dispose](): void {
    this.space.close();
    this.pool.close();
  }
}

/** Where each byte lies: the chunk and the place of each slice, those that follow one another together. */
function places(content: Aggregate): string[] {
  const ranges: { chunk: string; start: number; end: number }[] = [];
  for (const { lease, start, end } of content.slices()) {
    const last = ranges.at(-1);
    if (last?.chunk === lease.chunk.id && last.end === start) last.end = end;
    else ranges.push({ chunk: lease.chunk.id, start, end });
  }
  return ranges.map(({ chunk, start, end }) => `${chunk} ${start} ${end}`);
}

/** What the chunks of a content hold besides it. */
function besides(content: Aggregate): string {
  const chunks = new Set(content.slices().map(({ lease }) => lease.chunk));
  let text = '';
  for (const chunk of chunks) text += chunk.bytes.toString('latin1', 4096).replace(/[c\0]/g, '');
  return text;
}

/** Buffers of a pool of a writer's, some of which are the content. */
const KEPT: readonly [what: string, make: (pool: Pool) => Aggregate][] = [
  ['a large buffer', pool => pool.from(Buffer.alloc(MiB, 'c'))],
  ['several large buffers', pool => pool.from([300_000, 5 * MiB].map(length => Buffer.alloc(length, 'c')))],
  [
    'a large buffer in parts, in another order',
    pool => {
      using whole = pool.from(Buffer.alloc(MiB, 'c'));
      using end = whole.slice(1000);
      using start = whole.slice(0, 1000);
      return Aggregate.concat([end, start]);
    },
  ],
  [
    'a chunk full of smaller ones',
    pool => pool.from(Array.from({ length: 16 }, () => Buffer.alloc(60_001, 'c'))),
  ],
  [
    'a chunk that held another content before',
    pool => {
      pool.from(Buffer.alloc(1.2 * MiB, 's')).release();
      return pool.from(Buffer.alloc(MiB, 'c'));
    },
  ],
  [
    'a buffer that was filled further than it was sealed',
    pool => {
      const draft = pool.allocate(MiB);
      draft.bytes.fill('s');
      draft.bytes.fill('c', 0, 1_000_000);
      return draft.seal(1_000_000);
    },
  ],
];

for (const kind of ['recycle', 'protect', 'seal'] as const) {
  for (const [what, make] of KEPT) {
    if (kind === 'seal' && what === 'a chunk full of smaller ones') continue;
    test(`${what} of kind ${kind}: kept as they are, and nothing else with them`, () => {
      using fixture = new Fixture({ kind });
      using writer = createPool({ name: 'writer', kind, limit: 16 * MiB });
      const content = make(writer);
      const before = places(content);
      const text = content.toString();
      const adopted = fixture.adopt(content) as Aggregate;
      assert.deepEqual(places(adopted), before);
      assert.equal(adopted.toString(), text);
      assert.equal(besides(adopted), '');
      // They count here from now on, and nothing of the writer's follows them there.
      assert.equal(fixture.space.charged, physicalBytes('writer', [process.pid]));
      assert.ok(writer.stats().bytesMapped <= 1.25 * MiB + 4096, `${writer.stats().bytesMapped}`);
      content.release();
      writer.from(Buffer.alloc(10_000, 's')).release();
      assert.equal(besides(adopted), '');
      const { live, dead, headers, leased } = fixture.space.stats();
      assert.deepEqual([live, leased], [text.length, 0]);
      assert.equal(live + dead + headers, fixture.space.charged);
      // Who holds it when it has left the cache has it whole, and then it is gone.
      fixture.space.leave(adopted.slices(), TENANT);
      assert.equal(fixture.space.stats().leased, fixture.space.charged);
      assert.equal(adopted.toString(), text);
      adopted.release();
      assert.equal(fixture.space.sweep() > 0, true);
      assert.equal(fixture.space.charged, 0);
      writer.close();
      assert.equal(physicalBytes('writer', [process.pid]), 0);
    });
  }
}

/** As {@link KEPT}; undefined where nothing is adopted. */
const COPIED: readonly [what: string, make: (pool: Pool) => Aggregate][] = [
  [
    'a part of a large buffer',
    pool => {
      using whole = pool.from(Buffer.concat([Buffer.alloc(MiB, 'c'), Buffer.from('s')]));
      return whole.slice(0, MiB);
    },
  ],
  [
    'small buffers in a chunk with others',
    pool => {
      pool.from('s').release();
      return pool.from(Array.from({ length: 15 }, () => Buffer.alloc(60_000, 'c')));
    },
  ],
  [
    'a chunk in which something is being filled',
    pool => {
      const content = pool.from(Array.from({ length: 15 }, () => Buffer.alloc(60_000, 'c')));
      pool.allocate(1000).bytes.fill('s');
      return content;
    },
  ],
  [
    'one-byte slices',
    pool => {
      using text = pool.from('sc');
      return Aggregate.concat(Array.from({ length: 1000 }, () => text.slice(1)));
    },
  ],
  [
    'a large buffer twice',
    pool => {
      using whole = pool.from(Buffer.alloc(MiB, 'c'));
      return Aggregate.concat([whole, whole]);
    },
  ],
  ['a small part of a chunk', pool => pool.from(Buffer.alloc(100_000, 'c'))],
];

for (const [what, make] of COPIED) {
  test(`${what}: copied to where nothing else is`, () => {
    using fixture = new Fixture();
    using writer = createPool({ name: 'writer' });
    const content = make(writer);
    const adopted = fixture.adopt(content) as Aggregate;
    assert.ok(adopted.equals(content.toBuffer()));
    const ours = new Set(content.slices().map(({ lease }) => lease.chunk.id));
    assert.ok(adopted.slices().every(({ lease }) => !ours.has(lease.chunk.id)));
    assert.equal(besides(adopted), '');
    assert.ok(adopted.slices().length <= 6);
    content.release();
    adopted.release();
  });
}

test('buffers whose pool would give them to others, or protects them worse, are copied', () => {
  const everyone = 'everyone' as const;
  const uids = { uids: [process.geteuid?.() ?? 0, 4242] };
  for (const [ours, theirs] of [
    [{}, { acl: everyone }],
    [{ acl: everyone }, {}],
    [{}, { acl: uids }],
    [{ acl: uids }, {}],
    [{ kind: 'seal' }, { kind: 'recycle' }],
    [{ kind: 'protect' }, { kind: 'recycle' }],
    [{ kind: 'seal' }, { kind: 'protect' }],
    [{}, { memory: 'heap' }],
  ] as const) {
    using fixture = new Fixture(ours);
    using writer = createPool(theirs);
    const content = writer.from(Buffer.alloc(512 * KiB, 'c'));
    const adopted = fixture.adopt(content) as Aggregate;
    assert.ok(adopted.equals(content.toBuffer()));
    for (const { lease } of adopted.slices()) {
      assert.deepEqual((lease.chunk as SharedChunk).acl, fixture.pool.chunks.acl);
      assert.notEqual(lease.chunk.id, content.slices()[0]?.lease.chunk.id);
    }
    content.release();
    adopted.release();
  }
});

test('what a cache has already, and what two have, is copied for the second', () => {
  using one = new Fixture();
  using two = new Fixture();
  using writer = createPool();
  using content = writer.from(Buffer.alloc(MiB, 'c'));
  const all = [one.adopt(content), one.adopt(content), two.adopt(content)] as Aggregate[];
  assert.equal(new Set(all.map(each => each.slices()[0]?.lease.chunk.id)).size, 3);
  for (const each of all) assert.ok(each.equals(content.toBuffer()));
  for (const each of all) each.release();
});

test('without room within the budget nothing is adopted, and all is as it was', () => {
  using fixture = new Fixture();
  using writer = createPool();
  using content = writer.from([
    Buffer.alloc(12 * MiB, 'c'),
    Buffer.alloc(100, 'c'),
    Buffer.alloc(8 * MiB, 'c'),
  ]);
  assert.equal(fixture.adopt(content), undefined);
  assert.equal(fixture.space.stats().live + fixture.space.stats().filling, 0);
  assert.ok(content.equals(Buffer.alloc(20 * MiB + 100, 'c')));
  assert.ok(fixture.space.charged <= 16 * MiB);
});
