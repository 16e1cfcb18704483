import { type Stats, statSync } from 'node:fs';
import type { Command } from 'commander';
import { Counter } from './counter.ts';
import { Input } from './input.ts';
import { standardOutput } from './standard-output.ts';
import { complainAs, reasonOf, runTool } from './tool.ts';

interface Options {
  readonly bytes?: true;
  readonly chars?: true;
  readonly lines?: true;
  readonly words?: true;
}

interface Counts {
  readonly lines: number;
  readonly words: number;
  readonly chars: number;
  readonly bytes: number;
}

/** In the order in which they are shown. */
const COLUMNS = ['lines', 'words', 'chars', 'bytes'] as const;
type Column = (typeof COLUMNS)[number];

/** Adds `iolite wc` to the program. */
export function defineWc(program: Command): void {
  program
    .command('wc')
    .description(
      'Count lines, words and bytes. Without a file, or where it is -, of the standard input.\n' +
        'A word is a run of bytes that are not white space of ASCII; a character is a valid UTF-8 sequence.',
    )
    .argument('[file...]')
    .option('-c, --bytes', 'count bytes')
    .option('-m, --chars', 'count characters')
    .option('-l, --lines', 'count newlines')
    .option('-w, --words', 'count words')
    .action(async (files: string[], options: Options) => {
      const chosen = COLUMNS.filter(column => options[column]);
      const columns: readonly Column[] = chosen.length > 0 ? chosen : ['lines', 'words', 'bytes'];
      process.exitCode = await runTool('wc', 1, () => wc(files, columns));
    });
}

/** @returns the exit code: 1 when a file could not be read */
async function wc(files: readonly string[], columns: readonly Column[]): Promise<number> {
  const output = await standardOutput();
  const names = files.length === 0 ? ['-'] : files;
  const width = widthOf(names, columns);
  const show = (counts: Counts, name: string | undefined): void => {
    const figures = columns.map(column => String(counts[column]).padStart(width)).join(' ');
    output.put(Buffer.from(name === undefined ? `${figures}\n` : `${figures} ${name}\n`));
  };
  const total = { lines: 0, words: 0, chars: 0, bytes: 0 };
  let code = 0;
  for (const name of names) {
    const counter = new Counter({
      lines: columns.includes('lines'),
      words: columns.includes('words'),
      chars: columns.includes('chars'),
    });
    let opened = false;
    try {
      using input = new Input(name);
      opened = true;
      await count(input, counter, columns);
    } catch (error) {
      complainAs('wc', `${name}: ${reasonOf(error)}`);
      code = 1;
    }
    if (opened) show(counter, files.length === 0 ? undefined : name);
    for (const column of COLUMNS) total[column] += counter[column];
    await output.flush();
  }
  if (names.length > 1) show(total, 'total');
  await output.end();
  return code;
}

async function count(input: Input, counter: Counter, columns: readonly Column[]): Promise<void> {
  const { stats, name } = input;
  // The size of a file is known. (Those of /proc say 0, and a standard input may have been read in part.)
  if (columns.length === 1 && columns[0] === 'bytes' && name !== '-' && stats.isFile() && stats.size > 0) {
    counter.bytes += stats.size;
    return;
  }
  for (;;) {
    const block = await input.next();
    if (block === undefined) return;
    counter.add(block.bytes);
  }
}

/** The width of the columns, which is found from the sizes of the files before anything is counted. */
function widthOf(names: readonly string[], columns: readonly Column[]): number {
  if (names.length === 1 && columns.length === 1) return 1;
  let least = 1;
  let size = 0;
  for (const name of names) {
    const stats = statsOf(name);
    if (stats?.isFile()) size += stats.size;
    else if (stats !== undefined) least = 7;
  }
  return Math.max(least, String(size).length);
}

function statsOf(name: string): Stats | undefined {
  if (name === '-') return new Input(name).stats;
  return statSync(name, { throwIfNoEntry: false });
}
