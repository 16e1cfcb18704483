import { isatty } from 'node:tty';
import { Command, InvalidArgumentError } from 'commander';
import { runTool } from '../tool.ts';
import { plainArguments } from './grep-arguments.ts';
import type { NameRule } from './name-filter.ts';

/** The options of `iolite grep`, as they were given. */
export interface GrepOptions {
  readonly afterContext?: number;
  readonly beforeContext?: number;
  readonly byteOffset?: true;
  /** Whether to color; undefined without the option. */
  readonly color?: boolean;
  readonly context?: number;
  readonly count?: true;
  readonly dereferenceRecursive?: true;
  readonly excludeDir?: readonly string[];
  readonly extendedRegexp?: true;
  readonly regexp?: readonly string[];
  readonly file?: readonly string[];
  readonly filesWithoutMatch?: true;
  readonly fixedStrings?: true;
  /** False for none between groups. */
  readonly groupSeparator?: string | false;
  readonly withFilename?: true;
  /** False for -h. */
  readonly filename: boolean;
  readonly ignoreCase?: true;
  readonly filesWithMatches?: true;
  readonly label?: string;
  readonly maxCount?: number;
  readonly lineNumber?: true;
  readonly null?: true;
  readonly nullData?: true;
  readonly onlyMatching?: true;
  readonly quiet?: true;
  readonly recursive?: true;
  /** False for -s. */
  readonly messages: boolean;
  readonly invertMatch?: true;
  readonly lineRegexp?: true;
  readonly wordRegexp?: true;
  /** All of --include and --exclude, in their order. */
  readonly rules: readonly NameRule[];
}

/** What the command does. @returns its exit code */
export type Grep = (
  pattern: string | undefined,
  files: readonly string[],
  options: GrepOptions,
) => Promise<number>;

export const FAILURE_CODE = 0x02;

/** Adds `iolite grep` to a program, to do that. */
export function defineGrepAs(grep: Grep, program: Command): void {
  const rules: NameRule[] = [];
  const command = program
    .command('grep')
    .description(
      'Write the lines of files that match a pattern. Without a file, or where it is -, of the ' +
        'standard input;\n' +
        'with -r, of all files here. Patterns are basic regular expressions of POSIX, with the ' +
        'additions of\n' +
        'GNU. They match bytes, as in the C locale: `.` is one byte, and case is that of ASCII. All ' +
        'input counts\n' +
        'as text.',
    )
    .argument('[pattern]', 'lines of it are several patterns; not with -e')
    .argument('[file...]');
  addPatternOptions(command);
  addShownOptions(command);
  addFileOptions(command, rules);
  command.parseOptions = args => Command.prototype.parseOptions.call(command, plainArguments(args));
  command.action(async (pattern: string | undefined, files: string[], options: GrepOptions) => {
    process.exitCode = await runTool('grep', FAILURE_CODE, () => grep(pattern, files, { ...options, rules }));
  });
}

function addPatternOptions(command: Command): void {
  command
    .helpOption('--help', 'display help for command')
    .option('-a, --text', 'has no effect: all input counts as text')
    .option('-E, --extended-regexp', 'the patterns are extended regular expressions')
    .option('-e, --regexp <pattern>', 'a pattern; may be repeated', collect)
    .option('-F, --fixed-strings', 'the patterns are plain text')
    .option('-G, --basic-regexp', 'the patterns are basic regular expressions, as without it')
    .option('-f, --file <file>', 'the lines of a file are patterns; may be repeated', collect)
    .option('-i, --ignore-case', 'take upper and lower case for the same')
    .option('-v, --invert-match', 'take the lines that do not match')
    .option('-w, --word-regexp', 'a match has to begin and end where words do')
    .option('-x, --line-regexp', 'a pattern has to match the whole line')
    .option('-z, --null-data', 'lines end in a byte 0, not in a newline');
}

function addShownOptions(command: Command): void {
  command
    .option('-A, --after-context <n>', 'write n lines behind each matching one too', count)
    .option('-B, --before-context <n>', 'write n lines before each matching one too', count)
    .option('-C, --context <n>', 'write n lines around each matching one too; -n for short: -3', count)
    .option('-b, --byte-offset', 'write where each line, or match, begins')
    .option(
      '--color <when>',
      'color matches, names and numbers: always, never or auto, as GREP_COLORS says',
      color,
    )
    .option('-c, --count', 'write how many lines match')
    .option('--group-separator <text>', 'write this between groups of lines, in place of --')
    .option('--no-group-separator', 'write nothing between groups of lines')
    .option('-H, --with-filename', 'write the name of the file with each line')
    .option('-h, --no-filename', 'do not')
    .option('--label <name>', 'the name of the standard input')
    .option('--line-buffered', 'has no effect: what is found is written before more is read')
    .option('-l, --files-with-matches', 'write the names of the files that have a matching line')
    .option('-L, --files-without-match', 'write the names of the files that have none')
    .option('-m, --max-count <n>', 'stop reading a file after n matching lines', count)
    .option('-n, --line-number', 'write the number of each line')
    .option('-o, --only-matching', 'write the matches alone, one a line')
    .option('-q, --quiet', 'write nothing; end at the first matching line')
    .option('-s, --no-messages', 'do not complain of files that cannot be read')
    .option('-Z, --null', 'write a byte 0 behind the name of a file');
}

function addFileOptions(command: Command, rules: NameRule[]): void {
  const ruleOf = (includes: boolean) => (pattern: string) => {
    rules.push({ pattern, includes });
    return pattern;
  };
  command
    .option('-r, --recursive', 'search the files in directories, without -R not through symbolic links')
    .option('-R, --dereference-recursive', 'search the files in directories')
    .option('--include <glob>', 'search only files of such a name; may be repeated', ruleOf(true))
    .option('--exclude <glob>', 'pass over files of such a name; may be repeated', ruleOf(false))
    .option('--exclude-dir <glob>', 'pass over directories of such a name; may be repeated', collect);
}

function collect(pattern: string, patterns: readonly string[] = []): readonly string[] {
  return [...patterns, pattern];
}

function count(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text)) return Math.min(value, Number.MAX_SAFE_INTEGER);
  throw new InvalidArgumentError('A number of lines is wanted.');
}

function color(when: string): boolean {
  if (/^(?:always|yes|force)$/.test(when)) return true;
  if (/^(?:never|no|none)$/.test(when)) return false;
  if (!/^(?:auto|tty|if-tty)$/.test(when)) throw new InvalidArgumentError('always, never or auto is wanted.');
  return isatty(1) && (process.env.TERM ?? 'dumb') !== 'dumb';
}
