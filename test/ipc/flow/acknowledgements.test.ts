import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Acknowledgements } from '../../../src/ipc/flow/acknowledgements.ts';
import { FrameReader, FrameType, FrameWriter } from '../../../src/ipc/wire/frame.ts';

/** The two counts of each ACKNOWLEDGE frame that was written. */
function countsIn(writer: FrameWriter): number[][] {
  const counts: number[][] = [];
  new FrameReader().push(writer.take(), ({ type, body }) => {
    assert.equal(type, FrameType.ACKNOWLEDGE);
    counts.push([body.readUInt32LE(0), body.readUInt32LE(4)]);
  });
  return counts;
}

test('what was leased and consumed is told once, together', () => {
  let changes = 0;
  const writer = new FrameWriter();
  const acknowledgements = new Acknowledgements(() => {
    changes += 1;
  }, 3);
  acknowledgements.write(writer);
  for (let i = 0; i < 3; i++) {
    acknowledgements.leased();
    acknowledgements.admit(0);
  }
  acknowledgements.consumed();
  assert.equal(changes, 4);
  for (let i = 0; i < 2; i++) acknowledgements.write(writer);
  assert.deepEqual(countsIn(writer), [[3, 1]]);
});

test('no more messages wait than may, and none is consumed that was not admitted', () => {
  const acknowledgements = new Acknowledgements(() => {}, 2);
  for (let i = 0; i < 2; i++) acknowledgements.admit(0);
  assert.throws(() => acknowledgements.admit(0), { code: 'ERR_IOLITE_LIMIT' });
  for (let i = 0; i < 2; i++) acknowledgements.consumed();
  assert.throws(() => acknowledgements.consumed(), { code: 'ERR_IOLITE_INVARIANT' });
});
