/** The process in which one target is fuzzed: started by main.ts, and told what in its arguments. */
import { readFileSync, writeFileSync } from 'node:fs';
import { campaign, problemOf } from './campaign.ts';
import { readCorpus, textOf, writeCorpus } from './corpus.ts';
import { TARGETS } from './targets.ts';

/** What main.ts is told now and then, and at the end. */
export interface Report {
  readonly cases: number;
  /** Seconds of a processor that it took: what else the machine does says nothing of a target. */
  readonly seconds: number;
  readonly characters: number;
  readonly corpus: number;
  readonly finds: readonly { readonly text: string; readonly what: string }[];
}

interface Options {
  readonly seed: number;
  readonly minutes: number;
  /** No bound where it is null. */
  readonly cases: number | null;
  readonly corpus: string;
  readonly keep: boolean;
  /** The file that a batch is written to before it is run. */
  readonly batch: string;
  /** Such a file, to be run once more, case by case. */
  readonly replay?: string;
}

const TOLD_MS = 1000;
const [name = '', given = '{}'] = process.argv.slice(2);
const options: Options = JSON.parse(given);
const target = await (TARGETS[name] as (typeof TARGETS)[string])();

/** Resolves when it has left the process, should that be its last. */
function tell(report: Partial<Report>): Promise<void> {
  return new Promise(sent => {
    const { user, system } = process.cpuUsage();
    const seconds = (user + system) / 1e6;
    process.send?.({ cases: 0, seconds, characters: 0, corpus: 0, finds: [], ...report }, () => sent());
  });
}

async function replay(file: string): Promise<void> {
  const texts: string[] = JSON.parse(readFileSync(file, 'utf8'));
  for (const [cases, text] of texts.entries()) {
    await tell({ cases });
    await problemOf(target, Buffer.from(text, 'latin1'));
  }
}

async function fuzz(): Promise<void> {
  const end = Date.now() + options.minutes * 60_000;
  let toldAt = 0;
  const { finds, corpus, ...figures } = await campaign(target, {
    seed: options.seed,
    corpus: readCorpus(options.corpus, name),
    isOver: cases => Date.now() >= end || cases >= (options.cases ?? Number.POSITIVE_INFINITY),
    begins: batch => writeFileSync(options.batch, `[${batch.map(textOf).join(',')}]`),
    told: (cases, characters, kept) => {
      if (Date.now() - toldAt < TOLD_MS) return;
      toldAt = Date.now();
      void tell({ cases, characters, corpus: kept });
    },
  });
  if (options.keep) writeCorpus(options.corpus, name, corpus);
  const told = finds.map(({ bytes, error }) => ({
    text: bytes.toString('latin1'),
    what: error.stack ?? error.message,
  }));
  await tell({ ...figures, corpus: corpus.length, finds: told });
}

if (options.replay === undefined) await fuzz();
else await replay(options.replay);
await target.close?.();
process.disconnect();
