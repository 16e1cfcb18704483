import { FrameType, MessageKind } from '../src/ipc/wire/frame.ts';
import { rawFrame } from '../test/support/hostile.ts';
import { frame } from '../test/support/raw-peer.ts';
import { HEADS } from './channel-frames.ts';
import type { Random } from './random.ts';

/** A MESSAGE frame of a link as docs/protocol.md has it; its lengths may be lies. */
function linkMessage(random: Random): Buffer {
  const head = Buffer.from(random.pick(HEADS), 'latin1');
  const isStreamed = random.chance(0.2);
  const body = random.bytes(isStreamed ? 0 : random.size(40));
  const flags = random.chance(0.1) ? random.below(4) : (body.length > 0 ? 1 : 0) | (isStreamed ? 3 : 0);
  const fixed = Buffer.alloc(24);
  const kind = random.pick(Object.values(MessageKind));
  for (const [i, field] of [kind, random.below(4), head.length, random.below(4)].entries())
    fixed.writeUInt32LE(field, 4 * i);
  const length = random.chance(0.95) ? (isStreamed ? random.size(60) : body.length) : random.below(2 ** 32);
  fixed.writeBigUInt64LE(BigInt(length), 16);
  return rawFrame(FrameType.MESSAGE, Buffer.concat([fixed, head, body]), flags);
}

function linkFrame(random: Random): Buffer {
  const number = (): number => random.below(4);
  switch (random.below(9)) {
    case 0:
      return frame(FrameType.ACKNOWLEDGE, [number(), number()]);
    case 1:
      return frame(FrameType.CREDIT, [number(), number()]);
    case 2:
      return frame(FrameType.CANCEL, [number()]);
    case 3: {
      const reason = Buffer.from(random.pick(HEADS), 'latin1');
      return rawFrame(FrameType.STOP, Buffer.concat([Buffer.of(number(), 0, 0, 0), reason]));
    }
    case 4: {
      const type = random.chance(0.5) ? FrameType.BYE : random.below(15);
      return rawFrame(type, random.chance(0.7) ? Buffer.alloc(0) : random.bytes(random.size(30)));
    }
    default:
      return linkMessage(random);
  }
}

/** Frames of a link between machines, usual ones and odd ones. */
export function makeLinkFrames(random: Random): Buffer {
  return Buffer.concat(random.several(8, () => linkFrame(random)));
}
