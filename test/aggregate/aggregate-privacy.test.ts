import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format, inspect } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { MessageChannel } from 'node:worker_threads';
import BufferList from 'bl';
import { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import { BufferList as OwnList } from '../../src/bl/index.ts';

const SECRET = 'the neighbour';
/** As numbers of JSON, and in hexadecimal, both as long as no coincidence is. */
const TRACES = [SECRET, [...Buffer.from(SECRET)].join(','), Buffer.from(SECRET).toString('hex', 0, 4)];

function checkPrivate(shown: string, what: string): void {
  for (const trace of [...TRACES, '74 68 65 20 6e 65', '116,\n'])
    assert.ok(!shown.includes(trace), `${what} shows the neighbour`);
  assert.ok(shown.length < 2000, `${what} shows ${shown.length} characters`);
}

for (const memory of ['shared', 'heap'] as const) {
  test(`whatever prints or serialises shows nothing but the bytes of an aggregate (${memory})`, () => {
    using pool = createPool({ memory });
    using neighbour = pool.from(SECRET);
    using body = pool.from('hello');
    assert.equal(body.at(0), 0x68); // it has looked at its chunk
    const [slice] = body.slices();
    const draft = pool.allocate(16);
    draft.bytes.fill(0);
    using reader = body.reader();
    using list = { list: new OwnList(body), [Symbol.dispose]: () => {} };
    const shown = {
      body,
      slice,
      lease: slice?.lease,
      chunk: slice?.lease.chunk,
      draft,
      pool,
      reader,
      ...list,
    };
    for (const [name, value] of Object.entries(shown)) {
      checkPrivate(JSON.stringify({ value }) ?? '', `JSON of ${name}`);
      checkPrivate(inspect({ value }, { depth: 10 }), `inspect of ${name}`);
      const all = { depth: 20, showHidden: true, customInspect: false, maxArrayLength: null } as const;
      checkPrivate(inspect(value, all), `inspect of the fields of ${name}`);
      checkPrivate(format('%o %O %j', value, value, value), `format of ${name}`);
      const entries: unknown[] = [];
      for (const key in value as object) entries.push(key, Reflect.get(value as object, key));
      checkPrivate(inspect([entries, Object.entries(value as object)], all), `for..in of ${name}`);
      checkPrivate(cloneOf(value), `a clone of ${name}`);
    }
    draft.discard();
    assert.equal(neighbour.length, SECRET.length);
  });
}

/** What becomes of a value that is serialised, as text. */
function cloneOf(value: unknown): string {
  try {
    return inspect(deserialize(serialize(value)), { depth: 20, maxArrayLength: null });
  } catch (error) {
    return (error as Error).message;
  }
}

test('an aggregate prints and serialises as a Buffer does', () => {
  using pool = createPool();
  using body = pool.from('hello');
  assert.equal(JSON.stringify({ body }), JSON.stringify({ body: Buffer.from('hello') }));
  assert.equal(inspect({ body }), '{ body: Aggregate(5) [1 slice] <68 65 6c 6c 6f> }');
  using both = Aggregate.concat([body, body]);
  assert.equal(inspect(both), 'Aggregate(10) [2 slices] <68 65 6c 6c 6f 68 65 6c 6c 6f>');
  using long = pool.from(Buffer.alloc(100));
  assert.match(inspect(long), /^Aggregate\(100\) \[1 slice\] <00 .* 50 more bytes>$/);
  const gone = pool.from('x');
  gone.release();
  assert.equal(inspect(gone), 'Aggregate <released>');
});

test('an aggregate is not cloned, and the error says what to do', () => {
  using pool = createPool();
  using body = pool.from('hello');
  const refused = { name: 'DataCloneError', message: /channel\.send\(\)/ };
  const { port1, port2 } = new MessageChannel();
  assert.throws(() => structuredClone({ body }), refused);
  assert.throws(() => port1.postMessage([body]), refused);
  assert.throws(() => serialize(body), { message: refused.message });
  port1.close();
  port2.close();
});

test('aggregates are never deepEqual by accident, and differences of them show no memory', () => {
  using pool = createPool();
  using neighbour = pool.from(SECRET);
  using one = pool.from('one');
  using two = pool.from('two');
  assert.deepEqual(one, one);
  assert.throws(
    () => assert.deepEqual({ body: one }, { body: two }),
    (error: Error) => {
      checkPrivate(error.message, 'the difference');
      return true;
    },
  );
  assert.equal(neighbour.length, SECRET.length);
});

test('Buffer.from() and lists of bl take the bytes', () => {
  using pool = createPool();
  using body = pool.from('hello');
  const [slice] = body.slices();
  assert.equal(Buffer.from(body as unknown as Uint8Array).toString(), 'hello');
  assert.equal(Buffer.from(slice as unknown as Uint8Array).toString(), 'hello');
  assert.equal(new BufferList(body as unknown as Buffer).toString(), 'hello');
  assert.equal(new BufferList().append(body as unknown as Buffer).toString(), 'hello');
  assert.equal(Buffer.from(new OwnList(body) as unknown as Uint8Array).toString(), 'hello');
  assert.equal(`${body}`, 'hello');
  assert.throws(() => Buffer.from(pool.allocate(4) as unknown as Uint8Array), TypeError);
});
