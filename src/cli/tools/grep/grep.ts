import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { NEWLINE } from '../../../base/ascii.ts';
import { UserError } from '../../user-error.ts';
import { Input } from '../input.ts';
import type { Output } from '../plain-output.ts';
import { standardOutput } from '../standard-output.ts';
import { complainAs, OutputError, reasonOf } from '../tool.ts';
import { colored, colorsOf } from './colors.ts';
import { type SearchedFile, walk } from './file-walk.ts';
import { defineGrepAs, FAILURE_CODE, type GrepOptions } from './grep-options.ts';
import { type LineLayout, LinePrinter } from './line-printer.ts';
import { LineSearch } from './line-search.ts';
import { LongestMatch } from './longest-match.ts';
import { type Matcher, matcherOf } from './matcher.ts';
import { NameFilter } from './name-filter.ts';
import { compile, type Syntax } from './pattern.ts';
import { type Display, Search } from './search.ts';

const NO_MATCH_CODE = 0x01;
const STDIN_NAME = '(standard input)';

/** Adds `iolite grep` to the program. */
export function defineGrep(program: Command): void {
  defineGrepAs(grep, program);
}

/** What finds the lines of all files, and how they are shown. */
interface Plan {
  readonly display: Display;
  readonly matcher: Matcher;
  readonly layout: LineLayout;
  readonly output: Output;
  /** Undefined where lines are put as they are, with their names and numbers at most. */
  readonly printer: LinePrinter | undefined;
  readonly options: GrepOptions;
}

/** @returns the exit code: 0 when a line was selected, 1 when none was, 2 when a file could not be read */
async function grep(
  operand: string | undefined,
  operands: readonly string[],
  options: GrepOptions,
): Promise<number> {
  const { patterns, files } = operandsOf(operand, operands, patternsGiven(options));
  const plan = planOf(patterns, options, await standardOutput());
  if (selectsNothing(patterns, options)) return NO_MATCH_CODE;
  let code = NO_MATCH_CODE;
  const complain = (name: string, error: unknown): void => {
    if (typeof error !== 'string') code = FAILURE_CODE;
    if (error instanceof UserError) complainAs('grep', error.message);
    else if (options.messages)
      complainAs('grep', `${name}: ${typeof error === 'string' ? error : reasonOf(error)}`);
  };
  for (const file of filesOf(files, options, complain)) {
    const shown = file.name === '-' ? (options.label ?? STDIN_NAME) : file.name;
    try {
      const isPrefixed = options.filename && (options.withFilename || files.length > 1 || file.isFound);
      const isSelected = await searchFile(file.name, shown, isPrefixed, plan);
      if (isSelected && code === NO_MATCH_CODE) code = 0;
      if (isSelected && plan.display.what === 'nothing') return 0;
    } catch (error) {
      if (error instanceof OutputError) throw error;
      complain(shown, error);
    }
  }
  await plan.output.end();
  return code;
}

function filesOf(
  operands: readonly string[],
  options: GrepOptions,
  complain: (name: string, reason: unknown) => void,
): Iterable<SearchedFile> {
  const { recursive, dereferenceRecursive, rules, excludeDir = [] } = options;
  const recurses = recursive || dereferenceRecursive || false;
  const folders = excludeDir.map(pattern => ({
    pattern: pattern.replace(/(?<=.)\/+$/, ''),
    includes: false,
  }));
  return walk(operands.length === 0 && !recurses ? ['-'] : operands, {
    recurses,
    follows: dereferenceRecursive ? 'all' : 'operands',
    files: new NameFilter(rules),
    folders: new NameFilter(folders),
    complain,
  });
}

/** @returns whether a line was selected */
async function searchFile(name: string, shown: string, isPrefixed: boolean, plan: Plan): Promise<boolean> {
  const { display, matcher, layout, output, printer, options } = plan;
  using input = new Input(name);
  if (isOutputOf(input, output, display)) throw new UserError(`input file '${shown}' is also the output`);
  printer?.begin(isPrefixed ? shown : undefined);
  const { context = 0, beforeContext: before = context, afterContext: after = context } = options;
  const search =
    printer === undefined
      ? new Search(matcher, display, output, isPrefixed ? shown + (layout.zeroNames ? '\0' : ':') : '')
      : new LineSearch(matcher, display, printer, { before, after }, layout.lineEnd);
  if (display.maxLines > 0) await feed(search, input, output);
  if (search.count >= display.maxLines && countsTo(display)) await input.leaveAfter(search.taken);
  putSummary(search, shown, isPrefixed, plan);
  return search.selected;
}

/** Puts what is shown of a file as a whole. */
function putSummary(
  { count, selected }: Search | LineSearch,
  shown: string,
  isPrefixed: boolean,
  { display: { what }, layout: { colors, zeroNames }, output }: Plan,
): void {
  const name = colors === undefined ? shown : colored(shown, colors.name, colors);
  if (what === 'counts') {
    const separator = zeroNames ? '\0' : colors === undefined ? ':' : colored(':', colors.separator, colors);
    output.put(Buffer.from(`${isPrefixed ? name + separator : ''}${count}\n`));
  } else if (what === (selected ? 'names' : 'others')) {
    output.put(Buffer.from(name + (zeroNames ? '\0' : '\n')));
  }
}

async function feed(search: Search | LineSearch, input: Input, output: Output): Promise<void> {
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
function patternsGiven({ regexp, file }: GrepOptions): readonly string[] | undefined {
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

/** Whether options alone say that no line is selected: then no file is looked at. */
function selectsNothing(patterns: readonly string[], options: GrepOptions): boolean {
  const { invertMatch = false, lineRegexp, wordRegexp, maxCount, filesWithoutMatch, quiet } = options;
  if (filesWithoutMatch && !quiet) return false;
  if (maxCount === 0) return true;
  // No pattern at all matches nothing: the opposite of an empty one.
  const isBare = patterns.length === 0 || !(lineRegexp || wordRegexp);
  const inverts = invertMatch !== (patterns.length === 0);
  return isBare && inverts && patterns.every(pattern => pattern === '');
}

function planOf(patterns: readonly string[], options: GrepOptions, output: Output): Plan {
  const display = displayOf(options);
  const layout = layoutOf(options);
  const { matcher, expression, folds } = matcherFor(patterns, options, layout.lineEnd);
  const { afterContext, beforeContext, context } = options;
  const isPlain =
    !layout.onlyMatches &&
    !layout.offsets &&
    layout.colors === undefined &&
    layout.lineEnd === NEWLINE &&
    (afterContext ?? beforeContext ?? context) === undefined;
  const printer = isPlain
    ? undefined
    : new LinePrinter(layout, output, new LongestMatch(expression()), folds);
  return { display, matcher, layout, output, printer, options };
}

function displayOf(options: GrepOptions): Display {
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

function layoutOf(options: GrepOptions): LineLayout {
  const { afterContext, beforeContext, context, groupSeparator = '--' } = options;
  const hasContext = (afterContext ?? beforeContext ?? context) !== undefined;
  return {
    numbers: options.lineNumber ?? false,
    offsets: options.byteOffset ?? false,
    onlyMatches: options.onlyMatching ?? false,
    inverted: options.invertMatch ?? false,
    zeroNames: options.null ?? false,
    colors: options.color ? colorsOf(process.env.GREP_COLORS) : undefined,
    groupSeparator: hasContext && groupSeparator !== false ? groupSeparator : undefined,
    lineEnd: options.nullData ? 0 : NEWLINE,
  };
}

function matcherFor(patterns: readonly string[], options: GrepOptions, lineEnd: number) {
  const { fixedStrings, extendedRegexp, ignoreCase = false, nullData: zeroEnds = false } = options;
  const { lineRegexp: wholeLines = false, wordRegexp: words = false } = options;
  const syntax: Syntax = fixedStrings ? 'fixed' : extendedRegexp ? 'extended' : 'basic';
  const [only] = patterns;
  const plain = syntax === 'fixed' ? /^/ : /^[^\\.*[^$+?{}|()]*$/;
  // Of an empty file of patterns none matches.
  const expression = (): RegExp =>
    patterns.length === 0 ? /(?!)/g : compile(patterns, { syntax, ignoreCase, wholeLines, words, zeroEnds });
  const isFree = !ignoreCase && !wholeLines && !words;
  if (patterns.length === 1 && only !== undefined && isFree && plain.test(only)) {
    return { matcher: matcherOf(Buffer.from(only, 'latin1'), false, lineEnd), expression, folds: false };
  }
  const hasReferences = syntax !== 'fixed' && patterns.some(pattern => /\\[1-9]/.test(pattern));
  const folds = ignoreCase && hasReferences;
  return { matcher: matcherOf(expression(), folds, lineEnd), expression, folds };
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
