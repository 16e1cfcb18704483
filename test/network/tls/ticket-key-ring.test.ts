import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TICKET_KEY_BYTES } from '../../../src/network/tls/secure-settings.ts';
import { TicketKeyRing, ticketKeysIn } from '../../../src/network/tls/ticket-key-ring.ts';

test('keys take turns each hour: the next is known an hour before, two of the past are kept', t => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const told: (readonly string[])[] = [];
  using ring = new TicketKeyRing(keys => told.push(keys));
  const first = ring.keys;
  assert.equal(first.length, 2);
  for (const key of first) assert.equal(Buffer.from(key, 'base64').length, TICKET_KEY_BYTES);
  t.mock.timers.tick(3600_000);
  t.mock.timers.tick(2 * 3600_000);
  const [second, third, fourth] = told as [string[], string[], string[]];
  assert.equal(second[0], first[1], 'the next has its turn');
  assert.deepEqual(second.slice(2), [first[0]]);
  assert.deepEqual(third.slice(2), [second[0], first[0]]);
  assert.deepEqual(fourth.slice(2), [third[0], second[0]]);
  assert.equal(new Set(told.flat()).size, 5, 'there is a new key each time');
  assert.deepEqual(ring.keys, told.at(-1));
});

test('a file has keys one behind the other', () => {
  const bytes = Buffer.alloc(2 * TICKET_KEY_BYTES, 'abc');
  const keys = ticketKeysIn(bytes);
  assert.deepEqual(Buffer.concat(keys.map(key => Buffer.from(key, 'base64'))), bytes);
  for (const length of [0, 48, 81]) {
    assert.throws(() => ticketKeysIn(Buffer.alloc(length)), {
      code: 'ERR_IOLITE_ARGUMENT',
      message: `Cannot use ticket keys: 80 bytes for each are wanted, ${length} were given`,
    });
  }
});
