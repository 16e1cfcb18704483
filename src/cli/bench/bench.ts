import { type Command, InvalidArgumentError, Option } from 'commander';
import { integerArgument } from '../integer-argument.ts';
import { standardOutput } from '../tools/standard-output.ts';
import { runTool } from '../tools/tool.ts';
import { UserError } from '../user-error.ts';
import { summaryOf, tableOf } from './cache-table.ts';
import { type Budget, comparePolicies, DEFAULT_BUDGETS, parseBudget } from './compare-policies.ts';
import { readTrace, type TraceFile } from './trace/read-trace.ts';
import { syntheticTrace } from './trace/synthetic.ts';

interface Options {
  readonly trace?: string;
  readonly synthetic?: true;
  readonly budget?: readonly Budget[];
  readonly requests: number;
  readonly objects: number;
  readonly alpha: number;
  readonly once: number;
  readonly seed: number;
}

const MAX_REQUESTS = 1e9;
const MAX_OBJECTS = 1e7;
const MAX_SEED = 0xffff_ffff;

/** Adds `iolite bench` to the program. */
export function defineBench(program: Command): void {
  program
    .command('bench')
    .description('Find out what fits your load')
    .command('cache')
    .description(
      'Replay requests for files, and show what each replacement policy would have answered from memory.\n' +
        'A trace is a web log in common or combined format, or CSV (time, key, size), gzip or not.',
    )
    .addOption(
      new Option('-t, --trace <file>', 'read the requests; - for the standard input').conflicts('synthetic'),
    )
    .option(
      '-s, --synthetic',
      'make the requests up: popularity by Zipf, log-normal sizes with a mean of 17 KB',
    )
    .option(
      '-b, --budget <list>',
      'budgets, in % of the bytes of all files, or in bytes (k, M, G) (default: 1%,5%,10%,20%)',
      budgets,
    )
    .option('--requests <n>', 'of a synthetic trace', integerArgument(1, MAX_REQUESTS), 1_000_000)
    .option('--objects <n>', 'files of a synthetic trace', integerArgument(1, MAX_OBJECTS), 40_000)
    .option('--alpha <a>', 'exponent of their popularity', exponent, 0.9)
    .option('--once <part>', 'part of the requests, 0 to 1, for files that are read once', part, 0)
    .option('--seed <n>', 'the same seed makes the same trace', integerArgument(0, MAX_SEED), 1)
    .action(async (options: Options) => {
      process.exitCode = await runTool('bench', 1, () => benchCache(options));
    });
}

async function benchCache(options: Options): Promise<number> {
  const { trace, skippedLines } = await traceFor(options);
  const output = await standardOutput();
  const rows = comparePolicies(trace, options.budget ?? DEFAULT_BUDGETS);
  output.put(Buffer.from(`${summaryOf(trace, skippedLines)}\n${tableOf(trace, rows)}`));
  await output.end();
  return 0;
}

async function traceFor(options: Options): Promise<TraceFile> {
  if (options.trace !== undefined) return readTrace(options.trace);
  if (options.synthetic) return { trace: syntheticTrace(options), skippedLines: 0 };
  throw new UserError('Cannot bench cache: --trace <file> or --synthetic is wanted');
}

function budgets(list: string): Budget[] {
  return list.split(',').map(text => {
    const budget = parseBudget(text.trim());
    if (budget !== undefined) return budget;
    throw new InvalidArgumentError('Budgets like 5%,64M are wanted.');
  });
}

function part(text: string): number {
  const value = Number(text);
  if (/^\d*\.?\d+$/.test(text) && value <= 1) return value;
  throw new InvalidArgumentError('A number from 0 to 1 is wanted.');
}

/** An exponent of Zipf's law: with a larger one nearly all requests are for the first files. */
function exponent(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value <= 5) return value;
  throw new InvalidArgumentError('A number from 0 to 5 is wanted.');
}
