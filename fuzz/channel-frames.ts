import { FrameType, MessageKind, PROTOCOL_MAGIC, PROTOCOL_VERSION } from '../src/ipc/wire/frame.ts';
import { messageFrame, rawFrame } from '../test/support/hostile.ts';
import { frame } from '../test/support/raw-peer.ts';
import type { Random } from './random.ts';

/** Frames of a channel, usual ones and odd ones. */
export const SIZE = 64 * 1024;
export const HEADER_BYTES = 4096;
/** The chunk that is granted; and one that somebody else has locked. */
export const [OURS, LOCKED] = [1, 3];
const FAILURE = '{"code":"E","message":"m","cause":{"name":"n","cause":{}},"errno":1}';
export const HEADS = [
  '{"a":1}',
  '[[]]',
  '"\xc3\xa9"',
  'null',
  FAILURE,
  '',
  '1e999',
  '{"__proto__":[]}',
  '"\\ud800"',
];
function frameOf(random: Random): Buffer {
  const head = Buffer.from(random.pick(HEADS), 'latin1');
  const slices = random.several(3, () => [
    ...[random.pick([OURS, OURS, LOCKED, 2]), random.chance(0.9) ? 1 : random.below(3)],
    ...[HEADER_BYTES + random.size(SIZE), random.size(SIZE)],
  ]);
  switch (random.below(5)) {
    case 0: {
      const more = random.several(10, () => random.below(2000));
      return frame(FrameType.HELLO, [PROTOCOL_MAGIC, PROTOCOL_VERSION, ...more]);
    }
    case 1:
      return rawFrame(FrameType.STOP, Buffer.concat([Buffer.alloc(4), head]));
    case 2: {
      const numbers = frame(FrameType.ASK, [slices.length, ...slices.flat()]).subarray(8);
      return rawFrame(FrameType.ASK, Buffer.concat([numbers, Buffer.from('crc32')]));
    }
    case 3:
      return rawFrame(
        random.below(15),
        random.chance(0.5) ? head : random.bytes(random.size(60)),
        random.below(3),
      );
    default: {
      const flags = random.chance(0.9) ? 1 : 0;
      return messageFrame(random.pick(Object.values(MessageKind)), random.below(5), { head, slices, flags });
    }
  }
}

export function makeFrames(random: Random): Buffer {
  return Buffer.concat(random.several(6, () => frameOf(random)));
}
