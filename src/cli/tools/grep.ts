import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { UserError } from '../user-error.ts';
import { Input } from './input.ts';
import { matcherOf } from './matcher.ts';
import { compile, type Syntax } from './pattern.ts';
import type { Output } from './plain-output.ts';
import { type Display, Search } from './search.ts';
import { standardOutput } from './standard-output.ts';
import { complainAs, OutputError, reasonOf, runTool } from './tool.ts';

interface Options {
  readonly count?: true;
  readonly extendedRegexp?: true;
  readonly regexp?: readonly string[];
  readonly file?: readonly string[];
  readonly filesWithoutMatch?: true;
  readonly fixedStrings?: true;
  readonly withFilename?: true;
  /** False for -h. */
  readonly filename: boolean;
  readonly ignoreCase?: true;
  readonly filesWithMatches?: true;
  readonly maxCount?: number;
  readonly lineNumber?: true;
  readonly quiet?: true;
  /** False for -s. */
  readonly messages: boolean;
  readonly invertMatch?: true;
  readonly lineRegexp?: true;
  readonly wordRegexp?: true;
}

const FAILURE_CODE = 0x02;
const NO_MATCH_CODE = 0x01;
const STDIN_NAME = '(standard input)';

/** Adds `iolite grep` to the program. */
export function defineGrep(program: Command): void {
  program
    .command('grep')
    .description(
      'Write the lines of files that match a pattern. Without a file, or where it is -, of the ' +
        'standard input.\n' +
        'Patterns are basic regular expressions of POSIX, with the additions of GNU. They match ' +
        'bytes, as in the C\n' +
        'locale: `.` is one byte, and case is that of ASCII. All input counts as text.',
    )
    .argument('[pattern]', 'lines of it are several patterns; not with -e')
    .argument('[file...]')
    .helpOption('--help', 'display help for command')
    .option('-a, --text', 'has no effect: all input counts as text')
    .option('-c, --count', 'write how many lines match')
    .option('-E, --extended-regexp', 'the patterns are extended regular expressions')
    .option('-e, --regexp <pattern>', 'a pattern; may be repeated', collect)
    .option('-F, --fixed-strings', 'the patterns are plain text')
    .option('-f, --file <file>', 'the lines of a file are patterns; may be repeated', collect)
    .option('-H, --with-filename', 'write the name of the file with each line')
    .option('-h, --no-filename', 'do not')
    .option('-i, --ignore-case', 'take upper and lower case for the same')
    .option('-l, --files-with-matches', 'write the names of the files that have a matching line')
    .option('-L, --files-without-match', 'write the names of the files that have none')
    .option('-m, --max-count <n>', 'stop reading a file after n matching lines', count)
    .option('-n, --line-number', 'write the number of each line')
    .option('-q, --quiet', 'write nothing; end at the first matching line')
    .option('-s, --no-messages', 'do not complain of files that cannot be read')
    .option('-v, --invert-match', 'take the lines that do not match')
    .option('-w, --word-regexp', 'a match has to begin and end where words do')
    .option('-x, --line-regexp', 'a pattern has to match the whole line')
    .action(async (pattern: string | undefined, files: string[], options: Options) => {
      process.exitCode = await runTool('grep', FAILURE_CODE, () => grep(pattern, files, options));
    });
}

function collect(pattern: string, patterns: readonly string[] = []): readonly string[] {
  return [...patterns, pattern];
}

function count(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text)) return Math.min(value, Number.MAX_SAFE_INTEGER);
  throw new InvalidArgumentError('A number of lines is wanted.');
}

/** @returns the exit code: 0 when a line was selected, 1 when none was, 2 when a file could not be read */
async function grep(
  operand: string | undefined,
  operands: readonly string[],
  options: Options,
): Promise<number> {
  const { patterns, files } = operandsOf(operand, operands, patternsGiven(options));
  const display = displayOf(options);
  const matcher = matcherFor(patterns, options);
  const names = files.length === 0 ? ['-'] : files;
  const prefixed = options.filename && (options.withFilename || names.length > 1);
  const output = await standardOutput();
  const { maxLines } = display;
  let code = NO_MATCH_CODE;
  for (const name of maxLines === 0 ? [] : names) {
    const shown = name === '-' ? STDIN_NAME : name;
    try {
      using input = new Input(name);
      if (isOutputOf(input, output, display)) {
        throw new UserError(`input file '${shown}' is also the output`);
      }
      const search = new Search(matcher, display, output, prefixed ? `${shown}:` : '');
      await feed(search, input, output);
      if (search.done && countsTo(display)) await input.leaveAfter(search.taken);
      search.end(shown);
      if (search.selected && code === NO_MATCH_CODE) code = 0;
      if (search.selected && display.what === 'nothing') return 0;
    } catch (error) {
      if (error instanceof OutputError) throw error;
      code = FAILURE_CODE;
      const known = error instanceof UserError;
      if (options.messages || known)
        complainAs('grep', known ? error.message : `${shown}: ${reasonOf(error)}`);
    }
  }
  await output.end();
  return code;
}

async function feed(search: Search, input: Input, output: Output): Promise<void> {
  while (!search.done) {
    const block = await input.next();
    if (block === undefined) {
      search.endOfInput();
      break;
    }
    search.add(block);
    await output.flush();
  }
}

/** The patterns of options, lines of Latin-1; undefined without such an option. */
function patternsGiven({ regexp, file }: Options): readonly string[] | undefined {
  if (regexp === undefined && file === undefined) return undefined;
  const given = (regexp ?? []).flatMap(linesOf);
  return [...given, ...(file ?? []).flatMap(patternsOfFile)];
}

function linesOf(text: string): string[] {
  return Buffer.from(text).toString('latin1').split('\n');
}

/** The lines of a file; none of an empty one. */
function patternsOfFile(name: string): string[] {
  let text: string;
  try {
    text = readFileSync(name === '-' ? 0 : name, 'latin1');
  } catch (error) {
    throw new UserError(`${name}: ${reasonOf(error)}`);
  }
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function operandsOf(
  operand: string | undefined,
  operands: readonly string[],
  given: readonly string[] | undefined,
): { patterns: readonly string[]; files: readonly string[] } {
  if (given === undefined && operand === undefined) throw new UserError('a pattern is wanted');
  const patterns = given ?? linesOf(operand as string);
  const first = given === undefined || operand === undefined ? [] : [operand];
  return { patterns, files: [...first, ...operands] };
}

function displayOf(options: Options): Display {
  const { count, filesWithMatches, filesWithoutMatch, quiet, maxCount = Number.POSITIVE_INFINITY } = options;
  return {
    what: quiet
      ? 'nothing'
      : filesWithoutMatch
        ? 'others'
        : filesWithMatches
          ? 'names'
          : count
            ? 'counts'
            : 'lines',
    numbers: options.lineNumber ?? false,
    inverted: options.invertMatch ?? false,
    maxLines: maxCount,
  };
}

function matcherFor(patterns: readonly string[], options: Options) {
  const { fixedStrings, extendedRegexp, ignoreCase = false } = options;
  const { lineRegexp: wholeLines = false, wordRegexp: words = false } = options;
  const syntax: Syntax = fixedStrings ? 'fixed' : extendedRegexp ? 'extended' : 'basic';
  const [only] = patterns;
  const plain = syntax === 'fixed' ? /^/ : /^[^\\.*[^$+?{}|()]*$/;
  // Of an empty file of patterns none matches.
  if (patterns.length === 0) return matcherOf(/(?!)/g);
  const isFree = !ignoreCase && !wholeLines && !words;
  if (patterns.length === 1 && only !== undefined && isFree && plain.test(only)) {
    return matcherOf(Buffer.from(only, 'latin1'));
  }
  const hasReferences = syntax !== 'fixed' && patterns.some(pattern => /\\[1-9]/.test(pattern));
  return matcherOf(compile(patterns, { syntax, ignoreCase, wholeLines, words }), ignoreCase && hasReferences);
}

/** Whether a limit of lines ends the search. */
function countsTo({ what, maxLines }: Display): boolean {
  return (what === 'lines' || what === 'counts') && maxLines < Number.POSITIVE_INFINITY;
}

/** A file that grows by what is found in it would never end. */
function isOutputOf({ stats }: Input, output: Output, { what, maxLines }: Display): boolean {
  return (
    what === 'lines' &&
    maxLines > 1 &&
    stats.isFile() &&
    stats.ino === output.stats.ino &&
    stats.dev === output.stats.dev
  );
}
