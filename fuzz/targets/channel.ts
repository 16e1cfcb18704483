import { closeDescriptor } from '../../src/os/descriptor.ts';
import { HELLO, Hostile, Sample } from '../../test/support/hostile.ts';
import { makeFrames } from '../channel-frames.ts';
import { Random, seedOf } from '../random.ts';
import type { Target } from '../target.ts';

/** Cases after which it is looked what is held. */
const LOOK_CASES = 256;
const PATIENCE_MS = 5000;
let sample: Sample | undefined;
let cases = 0;

/**
 * A channel whose peer says whatever it likes behind its greeting, with a chunk passed as number 1: the
 * channel ends with a code of ours, or gracefully, and holds nothing afterwards.
 */
export const channel: Target = {
  name: 'channel',
  covers: ['ipc/'],
  tokens: ['{"a":1}', Buffer.alloc(4), HELLO],
  make: makeFrames,
  run: async bytes => {
    sample ??= new Sample();
    using hostile = new Hostile();
    const fd = sample.descriptor();
    hostile.pass(1, fd);
    closeDescriptor(fd);
    hostile.peer.write(HELLO, sample.grant(1), ...new Random(seedOf(bytes)).cut(bytes));
    hostile.peer.socket.end();
    const code = await hostile.code();
    // A peer that cuts us off may state a code of its own.
    const isForeign = code?.startsWith('ERR_') === true && !code.startsWith('ERR_IOLITE_');
    const message = await hostile.message();
    if (isForeign || (code === undefined && message !== ''))
      throw new Error(`It ends with ${code}: ${message}`);
    cases += 1;
    if (cases % LOOK_CASES === 0) await settled(sample);
  },
  close: () => sample?.[Symbol.dispose](),
};

async function settled({ chunk }: Sample): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (chunk.isLeasedElsewhere()) {
    if (Date.now() > end) throw new Error('A chunk is leased when all channels are closed');
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}
