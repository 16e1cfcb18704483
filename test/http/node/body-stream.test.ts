import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { createPool } from '../../../src/aggregate/pool.ts';
import { copiesOf } from '../../../src/http/node/body-stream.ts';

test('a stream of a body has all its bytes', async () => {
  const pool = createPool();
  assert.equal((await buffer(copiesOf(pool.from('whole')))).toString(), 'whole');
  const pieces = (async function* () {
    for (const piece of ['in ', 'pieces']) yield pool.from(piece);
  })();
  assert.equal((await buffer(copiesOf(pieces))).toString(), 'in pieces');
});
