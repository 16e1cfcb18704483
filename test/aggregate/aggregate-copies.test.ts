import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import { BufferList } from '../../src/bl/index.ts';
import { receive } from '../../src/network/receive.ts';
import { sendAggregate } from '../../src/network/send.ts';

/** Another copy of iolite in this process: the built one. */
const other: { createPool: typeof createPool; Aggregate: typeof Aggregate } = await import(
  new URL('../../dist/index.js', import.meta.url).href
);

test('an aggregate of another copy of iolite is taken by its bytes where content is wanted', () => {
  using pool = createPool();
  using otherPool = other.createPool();
  using theirs = otherPool.from('theirs');
  assert.equal(theirs instanceof Aggregate, false);
  using body = pool.from('ours and ');
  body.append(theirs);
  assert.equal(body.toString(), 'ours and theirs');
  assert.equal(body.indexOf(theirs), 9);
  assert.ok(body.endsWith(theirs));
  body.write(0, theirs).prepend(theirs);
  assert.equal(body.toString(), 'theirstheirsnd theirs');
  using joined = Aggregate.concat([theirs, body]);
  assert.ok(joined.startsWith('theirstheirs'));
  assert.equal(new BufferList(theirs).append(theirs).toString(), 'theirstheirs');
  using ours = pool.from('ours');
  assert.equal(new BufferList('ours').indexOf(ours), 0);
});

test('where it has to be one of ours the error says what it is', async () => {
  using otherPool = other.createPool();
  using theirs = otherPool.from('theirs');
  const refused = { code: 'ERR_IOLITE_ARGUMENT', message: /of type \w+ of another copy of iolite/ };
  await assert.rejects(sendAggregate(new Writable(), theirs), refused);
  assert.throws(() => Aggregate.concat(theirs), refused);
  assert.throws(() => receive(new PassThrough(), { pool: otherPool }), refused);
  const gone = otherPool.from('gone');
  gone.release();
  using ours = Aggregate.empty();
  assert.throws(() => ours.append(gone), { code: 'ERR_IOLITE_RELEASED' });
});
