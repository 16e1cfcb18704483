/**
 * A process that reads files through a cache that another one owns, or that all share; and shares a cache of
 * values. Arguments: the plan of the stage, its name, its number, how many there are, and which of its lives
 * it is.
 */
import { setTimeout } from 'node:timers/promises';
import { Draw, seedOf } from '../draw.ts';
import type { Cue } from '../lines.ts';
import type { StagePlan } from '../stage.ts';
import { ActorLine } from './actor-line.ts';
import { DescriptorFill } from './descriptor-fill.ts';
import { FileReads } from './file-reads.ts';
import { FileSaves } from './file-saves.ts';
import { Holder } from './holder.ts';
import { ValueReads } from './value-reads.ts';

const [planText = '', name = '', number = '', count = '', life = ''] = process.argv.slice(2);
const plan = JSON.parse(planText) as StagePlan;
const draw = new Draw(seedOf(plan.seed, `${name} ${life}`));
const line = new ActorLine(name, obey);
const MEAN_PAUSE_MS = 15;
const HOLDS_MS = 300;
const PROBE_MS = 25_000;
const GATHERING_TURNS = 20;
const holder = new Holder(line, draw, HOLDS_MS);
const host = { plan, line, draw, holder };
const files = new FileReads(host, Number(number) % 2 === 0 ? 'shared' : 'attached');
const values = new ValueReads(host, { number: Number(number), count: Number(count), life: Number(life) });
const saves = new FileSaves(host, Number(number));
const descriptors = new DescriptorFill(line);
let isPlaying = true;
let busy = 0;

/** One thing after the other, for as long as it plays. */
async function play(act: () => Promise<void>): Promise<void> {
  for (;;) {
    await setTimeout(Math.min(500, draw.wait(MEAN_PAUSE_MS)));
    if (!isPlaying) continue;
    busy += 1;
    await act();
    busy -= 1;
  }
}

async function obey({ say, lasts = 0 }: Cue): Promise<unknown> {
  switch (say) {
    case 'hoard':
      return holder.hoard(lasts);
    case 'exhaust':
      return descriptors.fill(lasts);
    case 'quiet':
      descriptors.clear();
      isPlaying = false;
      holder.clear();
      return { busy: busy + holder.size };
    case 'probe': {
      const late = AbortSignal.timeout(PROBE_MS);
      const probes = await Promise.allSettled([files.probe(late), values.probe(late), saves.probe()]);
      holder.clear();
      const failures = probes.flatMap(each => (each.status === 'rejected' ? [`${each.reason}`] : []));
      return { missing: [], failures };
    }
    case 'rest':
      saves.close();
      await Promise.all([files.close(), values.close()]);
      return;
    case 'look':
      for (let turn = 0; turn < GATHERING_TURNS; turn++) {
        globalThis.gc?.();
        await setTimeout(1);
      }
      return { name };
    default:
      return undefined;
  }
}

line.up();
void play(() => saves.act());
for (let threads = 0; threads < 3; threads++) {
  void play(() => files.act());
  void play(() => values.act());
}
