import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Aggregate } from '../../../../src/aggregate/aggregate.ts';
import { BlockAssembly } from '../../../../src/http/http2/wire/block-assembly.ts';
import { ConnectionFault, REASON, SETTING } from '../../../../src/http/http2/wire/frame.ts';
import { FrameCutter } from '../../../../src/http/http2/wire/frame-cutter.ts';
import { FrameOutput, WITHOUT } from '../../../../src/http/http2/wire/frame-output.ts';
import { ownSettings, PeerSettings } from '../../../../src/http/http2/wire/peer-settings.ts';
import { RUNS } from '../../../support/slicing.ts';
import { END_HEADERS, END_STREAM, frame, KIND, PREFACE } from '../support/raw-http2.ts';

/** A link that keeps what it is given. */
function keepingLink() {
  const sent: Buffer[] = [];
  return {
    sent,
    remoteAddress: undefined,
    hasUnsent: false,
    send: (pieces: readonly Uint8Array[]) => {
      sent.push(Buffer.concat(pieces));
      return true;
    },
    pause: () => {},
    resume: () => {},
    end: () => {},
    close: () => {},
  };
}

test('frames are the same wherever their bytes are divided', () => {
  const one = fc.record({
    kind: fc.nat(255),
    flags: fc.nat(255),
    stream: fc.nat(2 ** 31 - 1),
    bytes: fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes)),
  });
  const scene = fc.tuple(fc.array(one, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 40 })));
  fc.assert(
    fc.property(scene, ([frames, cuts]) => {
      const got: unknown[] = [];
      const cutter = new FrameCutter({
        isOver: false,
        frame: (kind, flags, stream, bytes, start, end) =>
          got.push({ kind, flags, stream, bytes: Buffer.from(bytes.subarray(start, end)) }),
      });
      const parts = frames.map(({ kind, flags, stream, bytes }) => frame(kind, flags, stream, bytes));
      let rest = Buffer.concat([PREFACE, ...parts]);
      for (let i = 0; rest.length > 0; i++) {
        const cut = cuts[i] ?? 7;
        cutter.read(rest.subarray(0, cut));
        rest = rest.subarray(cut);
      }
      assert.deepEqual(
        got,
        frames.map(each => ({ ...each })),
      );
    }),
    { numRuns: 200 * RUNS },
  );
});

test('what does not begin with the preface, and a frame that is too long, is refused', () => {
  const cutter = (): FrameCutter => new FrameCutter({ isOver: false, frame: () => {} });
  assert.throws(() => cutter().read(Buffer.from('GET / HTTP/1.1\r\n')), ConnectionFault);
  const long = Buffer.concat([PREFACE, frame(KIND.data, 0, 1, Buffer.alloc(16_385))]);
  assert.throws(() => cutter().read(long), new ConnectionFault(REASON.frameSize));
});

test('FrameOutput puts frames together, long blocks into several, and releases what it holds', () => {
  const output = new FrameOutput();
  const link = keepingLink();
  const held = Aggregate.adopt(Buffer.alloc(10_000, 'h'));
  output.frameHead(3, KIND.data, END_STREAM, 5);
  output.bytes(Buffer.from('abc'));
  output.numberFrame(KIND.windowUpdate, 7, 1000);
  output.block(9, END_STREAM, 0x20, Buffer.alloc(20_000, 'b'), Buffer.from('last'));
  output.block(11, 0, WITHOUT, Buffer.from('b'), Buffer.from('l'));
  output.frameHead(10_000, KIND.data, 0, 11);
  for (const view of held.memory()) output.view(view);
  output.hold(held);
  const { size } = output;
  assert.ok(output.sendBy(link));
  const block = Buffer.concat([Buffer.of(0x20), Buffer.alloc(20_000, 'b'), Buffer.from('last')]);
  const expected = Buffer.concat([
    frame(KIND.data, END_STREAM, 5, 'abc'),
    frame(KIND.windowUpdate, 0, 7, Buffer.of(0, 0, 3, 0xe8)),
    frame(KIND.headers, END_STREAM, 9, block.subarray(0, 16_384)),
    frame(KIND.continuation, END_HEADERS, 9, block.subarray(16_384)),
    frame(KIND.headers, END_HEADERS, 11, 'bl'),
    frame(KIND.data, 0, 11, Buffer.alloc(10_000, 'h')),
  ]);
  assert.ok(link.sent[0]?.equals(expected));
  assert.equal(size, expected.length);
  assert.ok(held.released);
  assert.equal(output.size, 0);
});

test('PeerSettings reads what is of concern, and ownSettings() tells what is ours', () => {
  const settings = new PeerSettings();
  const bytes = ownSettings(100, 16_384);
  assert.equal(settings.read(bytes, 0, bytes.length), 3);
  assert.equal(bytes.readUInt16BE(0), SETTING.maxStreams);
  assert.equal(bytes.readUInt32BE(2), 100);
  const theirs = Buffer.from('000400000064000100000000', 'hex');
  settings.read(theirs, 0, theirs.length);
  assert.equal(settings.initialWindow, 100);
  assert.ok(settings.hasSmallTable);
});

test('BlockAssembly is bounded in frames and bytes', () => {
  const few = new BlockAssembly(1, 0, 0);
  few.add(Buffer.from('a'));
  few.add(Buffer.from('b'));
  assert.equal(few.whole().toString(), 'ab');
  const many = new BlockAssembly(1, 0, 0);
  for (let i = 0; i < 9; i++) many.add(Buffer.alloc(0));
  assert.throws(() => many.add(Buffer.alloc(0)), new ConnectionFault(REASON.calm));
  assert.throws(() => new BlockAssembly(1, 0, 0).add(Buffer.alloc(200_000)), ConnectionFault);
});
