import { type Stats, statSync } from 'node:fs';
import type { Command } from 'commander';
import { UserError } from '../user-error.ts';
import { Counter } from './counter.ts';
import { Input } from './input.ts';
import { standardOutput } from './standard-output.ts';
import { complainAs, reasonOf, runTool } from './tool.ts';

interface Options {
  readonly bytes?: true;
  readonly chars?: true;
  readonly lines?: true;
  readonly words?: true;
  readonly maxLineLength?: true;
  readonly files0From?: string;
}

interface Counts {
  readonly lines: number;
  readonly words: number;
  readonly chars: number;
  readonly bytes: number;
  readonly longest: number;
}

/** In the order in which they are shown. */
const COLUMNS = ['lines', 'words', 'chars', 'bytes', 'longest'] as const;
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
    .option('-L, --max-line-length', 'the columns that the widest line takes on a terminal')
    .option('--files0-from <file>', 'the files are named in this one, each name ended by a byte 0')
    .action(async (files: string[], options: Options) => {
      const isChosen = { ...options, longest: options.maxLineLength };
      const chosen = COLUMNS.filter(column => isChosen[column]);
      const columns: readonly Column[] = chosen.length > 0 ? chosen : ['lines', 'words', 'bytes'];
      process.exitCode = await runTool('wc', 1, async () => wc(await listOf(files, options), columns));
    });
}

/** What is to be counted. */
interface List {
  /** Files, or undefined for the standard input without its name. */
  readonly names: readonly string[] | undefined;
  /** The file that names them. */
  readonly from?: string;
  /** Whether it is one whose size is known: only then are the columns as wide as they need. */
  readonly fits?: boolean;
}

async function listOf(files: readonly string[], { files0From: from }: Options): Promise<List> {
  if (from === undefined) return { names: files.length === 0 ? undefined : files };
  if (files.length > 0) throw new UserError('file operands cannot be combined with --files0-from');
  let input: Input;
  try {
    input = new Input(from);
  } catch (error) {
    throw new UserError(`cannot open '${from}' for reading: ${reasonOf(error)}`);
  }
  try {
    const text = (await wholeOf(input)).toString();
    const names = text.replace(/\0$/, '').split('\0');
    return { names: text === '' ? [] : names, from, fits: input.stats.isFile() };
  } catch (error) {
    throw new UserError(`${from}: read error: ${reasonOf(error)}`);
  } finally {
    input.close();
  }
}

async function wholeOf(input: Input): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (;;) {
    const block = await input.next();
    if (block === undefined) return Buffer.concat(parts);
    parts.push(Buffer.from(block.bytes));
  }
}

/** @returns the exit code: 1 when a file could not be read */
async function wc(list: List, columns: readonly Column[]): Promise<number> {
  const output = await standardOutput();
  const names = list.names ?? ['-'];
  const width = list.fits === false ? 1 : widthOf(names, columns);
  const show = (counts: Counts, name: string | undefined): void => {
    const figures = columns.map(column => String(counts[column]).padStart(width)).join(' ');
    output.put(Buffer.from(name === undefined ? `${figures}\n` : `${figures} ${name}\n`));
  };
  const total = { lines: 0, words: 0, chars: 0, bytes: 0, longest: 0 };
  let code = 0;
  for (const [index, name] of names.entries()) {
    const counter = counterOf(columns);
    let opened = false;
    try {
      checkName(name, index, list.from);
      using input = new Input(name);
      opened = true;
      await count(input, counter, columns);
    } catch (error) {
      complainAs('wc', error instanceof UserError ? error.message : `${name}: ${reasonOf(error)}`);
      code = 1;
    }
    if (opened) show(counter, list.names === undefined ? undefined : name);
    for (const column of COLUMNS) total[column] += column === 'longest' ? 0 : counter[column];
    total.longest = Math.max(total.longest, counter.longest);
    await output.flush();
  }
  if (names.length > 1) show(total, 'total');
  await output.end();
  return code;
}

function counterOf(columns: readonly Column[]): Counter {
  return new Counter({
    lines: columns.includes('lines'),
    words: columns.includes('words'),
    chars: columns.includes('chars'),
    longest: columns.includes('longest'),
  });
}

/** What a list of files may not name. */
function checkName(name: string, index: number, from: string | undefined): void {
  if (from === undefined) return;
  if (name === '') throw new UserError(`${from}:${index + 1}: invalid zero-length file name`);
  if (name === '-' && from === '-') {
    throw new UserError("when reading file names from stdin, no file name of '-' allowed");
  }
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
  if (names.length === 0 || (names.length === 1 && columns.length === 1)) return 1;
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
