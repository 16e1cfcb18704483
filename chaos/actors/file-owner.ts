/** The domain that owns a cache of files, for others that attach to it. Arguments: the plan of the stage. */
import { setTimeout } from 'node:timers/promises';
import { createFileCache } from '../../src/file/cache/owned-cache.ts';
import { listen } from '../../src/ipc/meet/listen.ts';
import type { Cue } from '../lines.ts';
import { type StagePlan, siteOf } from '../stage.ts';
import { ActorLine } from './actor-line.ts';

const [planText = '', name = ''] = process.argv.slice(2);
const plan = JSON.parse(planText) as StagePlan;
const BUDGET_BYTES = 8 * 1024 ** 2;
const GATHERING_TURNS = 20;
const cache = createFileCache({ budget: BUDGET_BYTES, govern: false });
const line = new ActorLine(name, obey);
const endpoint = await listen(`@iolite-chaos-${plan.run}-${name}`);
endpoint.on('channel', channel => {
  channel.on('close', () => {});
  cache.serve(channel, { root: siteOf(plan) });
});
line.up();

async function obey({ say }: Cue): Promise<unknown> {
  if (say === 'rest') {
    await endpoint.close();
    cache.close();
  }
  if (say === 'look') {
    for (let turn = 0; turn < GATHERING_TURNS; turn++) {
      globalThis.gc?.();
      await setTimeout(1);
    }
    return { name };
  }
  return { busy: 0, missing: [], failures: [] };
}
