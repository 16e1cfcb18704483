import { type Command, InvalidArgumentError } from 'commander';
import { complain, Failure, serve } from './serve.ts';

const MAX_WORKERS = 256;
const MAX_BUDGET = 1024 ** 2;

/** Adds `iolite serve` to the program. */
export function define(program: Command): void {
  program
    .command('serve')
    .description(
      'Serve the files of a directory over HTTP from several processes and one copy in memory.\n' +
        'Names that begin with a dot are not served. /_iolite shows the memory of each process.',
    )
    .argument('<dir>', 'the directory')
    .option(
      '-p, --port <n>',
      'port, 0 for one that is free (default: 8080, or a free one)',
      integer(0, 65535),
    )
    .option('--host <h>', 'name or address to listen on', hostName, '127.0.0.1')
    .option('-w, --workers <n>', 'processes (default: one a core)', integer(1, MAX_WORKERS))
    .option(
      '-b, --budget <MiB>',
      'memory for file content (default: a quarter of the memory, at most 1024)',
      integer(1, MAX_BUDGET),
    )
    .action(async (directory: string, options) => {
      // A reader of our output that is gone is no reason to stop serving.
      process.stdout.on('error', () => {});
      process.stderr.on('error', () => {});
      try {
        process.exitCode = await serve(directory, options);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        complain(error.message);
        process.exitCode = 1;
      }
    });
}

function integer(min: number, max: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`An integer from ${min} to ${max} is wanted.`);
  };
}

function hostName(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('A name or an address is wanted.');
}
