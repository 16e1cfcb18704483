import type { Command } from 'commander';
import { Input } from './input.ts';
import { type LineFormat, LineFormatter } from './line-formatter.ts';
import type { Output, Room } from './plain-output.ts';
import { standardOutput } from './standard-output.ts';
import { complainAs, OutputError, reasonOf, runTool } from './tool.ts';

interface Options {
  readonly showAll?: true;
  readonly numberNonblank?: true;
  readonly e?: true;
  readonly showEnds?: true;
  readonly number?: true;
  readonly squeezeBlank?: true;
  readonly t?: true;
  readonly showTabs?: true;
  readonly showNonprinting?: true;
}

/** What a pipe gives at a time, mostly. */
const STREAM_BYTES = 64 * 1024;

/** Adds `iolite cat` to the program. */
export function defineCat(program: Command): void {
  program
    .command('cat')
    .description('Write files one after the other. Without a file, or where it is -, the standard input.')
    .argument('[file...]')
    .option('-A, --show-all', 'as -vET')
    .option('-b, --number-nonblank', 'number lines that are not empty')
    .option('-e', 'as -vE')
    .option('-E, --show-ends', 'show a $ at the end of each line')
    .option('-n, --number', 'number all lines')
    .option('-s, --squeeze-blank', 'write no more than one empty line in a row')
    .option('-t', 'as -vT')
    .option('-T, --show-tabs', 'show a tab as ^I')
    .option('-u', 'has no effect: what is read is written before more is')
    .option('-v, --show-nonprinting', 'show bytes that are no printable ASCII in ^ and M- notation')
    .action(async (files: string[], options: Options) => {
      process.exitCode = await runTool('cat', 1, () => cat(files, formatOf(options)));
    });
}

function formatOf(options: Options): LineFormat {
  const { showAll = false, e = false, t = false, numberNonblank = false, number = false } = options;
  return {
    number: numberNonblank ? 'nonblank' : number ? 'all' : 'none',
    squeeze: options.squeezeBlank ?? false,
    ends: showAll || e || (options.showEnds ?? false),
    tabs: showAll || t || (options.showTabs ?? false),
    nonprinting: showAll || e || t || (options.showNonprinting ?? false),
  };
}

/** @returns the exit code: 1 when a file could not be read */
async function cat(files: readonly string[], format: LineFormat): Promise<number> {
  const output = await standardOutput();
  const plain = format.number === 'none' && !Object.values(format).includes(true);
  const formatter = plain ? undefined : new LineFormatter(format, output);
  let code = 0;
  for (const name of files.length === 0 ? ['-'] : files) {
    try {
      using input = new Input(name);
      if (isOutputOf(input, output)) {
        complainAs('cat', `${name}: input file is output file`);
        code = 1;
      } else if (formatter === undefined) await copy(input, output);
      else await copyFormatted(input, formatter, output);
    } catch (error) {
      if (error instanceof OutputError) throw error;
      complainAs('cat', `${name}: ${reasonOf(error)}`);
      code = 1;
    }
  }
  formatter?.end();
  await output.end();
  return code;
}

/** A file that grows by what is read of it would never end. */
function isOutputOf({ stats }: Input, output: Output): boolean {
  return stats.isFile() && stats.size > 0 && stats.ino === output.stats.ino && stats.dev === output.stats.dev;
}

/** Reads straight into the room of the output; what lies in shared memory already is passed on as it is. */
async function copy(input: Input, output: Output): Promise<void> {
  for (;;) {
    let room: Room | undefined;
    const block = await input.next(() => {
      room = output.allocate(roomFor(input, output));
      return room.bytes;
    });
    room?.commit(block?.bytes.length ?? 0);
    if (block === undefined) return;
    if (room === undefined) {
      if (block.share === undefined) output.put(block.bytes);
      else output.pass(block.share(0, block.bytes.length));
    }
    await output.flush();
  }
}

/** Room for what one read gives: all of a small file, and a byte more, to see that it ends. */
function roomFor({ stats }: Input, { blockBytes }: Output): number {
  if (!stats.isFile() || stats.size === 0) return Math.min(blockBytes, STREAM_BYTES);
  return Math.min(blockBytes, stats.size + 1);
}

async function copyFormatted(input: Input, formatter: LineFormatter, output: Output): Promise<void> {
  for (;;) {
    const block = await input.next();
    if (block === undefined) return;
    formatter.write(block.bytes);
    await output.flush();
  }
}
