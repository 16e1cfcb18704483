import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Aggregate } from '../../src/aggregate/aggregate.ts';
import { aggregateOfSlices } from '../../src/aggregate/aggregate-of-slices.ts';
import { createPool, type Pool } from '../../src/aggregate/pool.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import type { Message } from '../../src/ipc/message.ts';
import { ChannelPair } from '../support/channel-pair.ts';

const MiB = 1024 ** 2;

/** The bytes of a buffer in slices of this size, each apart from the next. */
function scattered(pool: Pool, size: number, sliceBytes: number): Aggregate {
  using three = pool.from(Buffer.alloc(3 * sliceBytes, 'abc'));
  const [{ lease, start: first } = assert.fail()] = three.slices();
  const count = size / sliceBytes;
  lease.retain(count);
  // The last third first: what touches is one slice.
  return aggregateOfSlices(
    Array.from({ length: count }, (_, i) => {
      const start = first + (2 - (i % 3)) * sliceBytes;
      return { lease, start, end: start + sliceBytes };
    }),
  );
}

for (const [name, spread] of [
  ['evenly', (i: number) => i * 61],
  ['anywhere', () => undefined],
] as const) {
  test(`changes that scatter ${name} leave far fewer slices than changes, and the right bytes`, () => {
    using pool = createPool();
    const model = Buffer.alloc(MiB, 'a');
    using changed = pool.from(model);
    using before = changed.duplicate();
    const random = new SeededRandom(7);
    for (let i = 0; i < 16_384; i++) {
      const at = spread(i) ?? Math.floor(random.uniform() * (MiB - 1));
      changed.write(at, Buffer.of(i));
      model[at] = i;
    }
    assert(changed.slices().length < 5000, `${changed.slices().length} slices`);
    assert(changed.toBuffer().equals(model));
    assert(before.toBuffer().equals(Buffer.alloc(MiB, 'a')), 'others keep what they share');
  });
}

test('bytes that are put in and taken out in small pieces are the right ones', () => {
  using pool = createPool();
  let model = Buffer.alloc(8192, 'm');
  using changed = pool.from(model);
  const random = new SeededRandom(3);
  for (let i = 0; i < 4000; i++) {
    const at = Math.floor(random.uniform() * model.length);
    const out = Math.min(Math.floor(random.uniform() * 5), model.length - at);
    const text = 'xyz'.slice(0, Math.floor(random.uniform() * 4));
    using removed = changed.splice(at, out, text);
    assert(removed.equals(model.subarray(at, at + out)));
    model = Buffer.concat([model.subarray(0, at), Buffer.from(text), model.subarray(at + out)]);
  }
  assert(changed.toBuffer().equals(model));
});

test('where the pool has no room for copies a change is made without', () => {
  using pool = createPool({ limit: 128 * 1024, chunkSize: 64 * 1024 });
  using changed = Aggregate.adopt(Buffer.alloc(64 * 1024, 'a'));
  using whole = pool.from(Buffer.alloc(40 * 1024, 'w'));
  using other = pool.from(Buffer.alloc(40 * 1024, 'o'));
  using tiny = whole.slice(0, 1);
  const model = changed.toBuffer();
  using target = Aggregate.concat([other.slice(0, 0), changed]);
  for (let at = 1; at < 60_000; at += 20) {
    target.write(at, tiny);
    model[at] = 'w'.charCodeAt(0);
  }
  assert(target.toBuffer().equals(model));
});

test('gather() makes few slices of many, of which nothing else is seen', () => {
  using pool = createPool();
  for (const sliceBytes of [1, 16, 500, 2048]) {
    using list = scattered(pool, 1000 * sliceBytes, sliceBytes);
    const bytes = list.toBuffer();
    using shared = list.duplicate();
    assert.equal(list.gather(), list);
    const count = list.slices().length;
    assert(sliceBytes < 512 ? count < 40 : count === 1000, `${sliceBytes}: ${count}`);
    assert.equal(shared.slices().length, 1000);
    assert(list.toBuffer().equals(bytes));
    assert.equal(list.gather(50).toBuffer().compare(bytes), 0);
    assert(list.slices().length <= 50);
  }
});

test('gather() touches no slice of a list in which nothing is small', () => {
  using pool = createPool();
  for (const [sliceBytes, touches] of [
    [4096, false],
    [16, true],
  ] as const) {
    using list = scattered(pool, 300 * sliceBytes, sliceBytes);
    const [{ lease } = assert.fail()] = list.slices();
    let retained = 0;
    lease.hold = bytes => {
      retained += 1;
      Object.getPrototypeOf(lease).hold.call(lease, bytes);
    };
    list.gather();
    Reflect.deleteProperty(lease, 'hold');
    assert.equal(retained > 0 || list.slices().length < 300, touches, `slices of ${sliceBytes}`);
  }
});

test('a message of more slices than it can name is sent all the same', async () => {
  using pair = new ChannelPair();
  const messages = pair.far[Symbol.asyncIterator]();
  using pool = createPool();
  for (const [count, sliceBytes] of [
    [100_000, 16],
    [100_001, 16],
    [250_000, 1],
    [101_000, 600],
  ] as const) {
    using body = scattered(pool, count * sliceBytes, sliceBytes);
    await pair.near.send({ body });
    const { value: message } = await messages.next();
    using got = (message as Message).body ?? assert.fail();
    assert(got.equals(body));
  }
});
