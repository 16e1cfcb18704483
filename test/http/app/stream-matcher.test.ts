import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamMatcher } from '../../../src/http/app/stream-matcher.ts';
import type { IncomingStream } from '../../../src/ipc/stream/incoming-stream.ts';

/** What is known of a stream here: whether it was cancelled. */
class Stream {
  cancelled = 0;

  cancel(): void {
    this.cancelled += 1;
  }

  get incoming(): IncomingStream {
    return this as unknown as IncomingStream;
  }
}

test('a stream and its request meet, whichever comes first', async () => {
  const desk = new StreamMatcher();
  const [early, late] = [new Stream(), new Stream()];
  desk.open(1);
  desk.arrived(1, early.incoming);
  assert.equal(await desk.take(1), early);
  desk.open(2);
  const taken = desk.take(2);
  desk.arrived(2, late.incoming);
  assert.equal(await taken, late);
  assert.deepEqual([early.cancelled, late.cancelled], [0, 0]);
  assert.deepEqual([desk.isOpen(1), desk.isOpen(2)], [false, false]);
});

test('a stream that belongs to nothing is cancelled, as is a second one, and one that is not taken', () => {
  const desk = new StreamMatcher(id => id === 3);
  const [stray, first, second, expected] = [new Stream(), new Stream(), new Stream(), new Stream()];
  desk.arrived(1, stray.incoming);
  desk.open(2);
  desk.arrived(2, first.incoming);
  desk.arrived(2, second.incoming);
  desk.arrived(3, expected.incoming);
  assert.deepEqual([stray.cancelled, first.cancelled, second.cancelled, expected.cancelled], [1, 0, 1, 0]);
  for (const id of [1, 2, 3]) desk.close(id);
  assert.deepEqual([stray.cancelled, first.cancelled, second.cancelled, expected.cancelled], [1, 1, 1, 1]);
});

test('who waits for a stream hears that the request is over, or that none comes any more', async () => {
  const desk = new StreamMatcher();
  await assert.rejects(desk.take(1), { code: 'ERR_IOLITE_CLOSED' });
  for (const id of [1, 2]) desk.open(id);
  const [first, second] = [desk.take(1), desk.take(2)];
  desk.close(1);
  await assert.rejects(first, { code: 'ERR_IOLITE_CLOSED' });
  desk.end(new Error('gone'));
  await assert.rejects(second, { message: 'gone' });
});
