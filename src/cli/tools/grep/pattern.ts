import { UserError } from '../../user-error.ts';
import { CLASSES } from './classes.ts';

/**
 * How patterns are written: basic or extended regular expressions of POSIX with GNU's additions, or plain
 * text.
 */
export type Syntax = 'basic' | 'extended' | 'fixed';

const WORD = '[A-Za-z0-9_]';
/** GNU's RE_DUP_MAX. */
const MAX_REPEAT = 0x7fff;

/** What depends on the byte that ends a line, which no pattern ever matches. */
interface LineSyntax {
  /** That byte, as an expression writes it. */
  readonly end: string;
  /** Any other byte. */
  readonly any: string;
  /** Where a line starts, and where it ends. */
  readonly start: string;
  readonly stop: string;
  readonly escaped: Record<string, string>;
}

function lineSyntax(end: '\\n' | '\\x00'): LineSyntax {
  const start = `(?<![^${end}])`;
  const stop = `(?![^${end}])`;
  const escaped = {
    w: '[A-Za-z0-9_]',
    W: `[^A-Za-z0-9_${end}]`,
    s: end === '\\n' ? '[\\t\\v\\f\\r ]' : '[\\t\\n\\v\\f\\r ]',
    S: `[^\\t\\n\\v\\f\\r ${end}]`,
    b: '\\b',
    B: '\\B',
    '<': '(?<![A-Za-z0-9_])(?=[A-Za-z0-9_])',
    '>': '(?<=[A-Za-z0-9_])(?![A-Za-z0-9_])',
    '`': start,
    "'": stop,
  };
  return { end, any: `[^${end}]`, start, stop, escaped };
}

/** What holds for all patterns. */
export interface PatternOptions {
  readonly syntax: Syntax;
  readonly ignoreCase: boolean;
  /** A pattern has to match a whole line. */
  readonly wholeLines: boolean;
  /** A match has to begin and end where words do. */
  readonly words?: boolean;
  /** Lines end in a byte 0, and a newline is a byte like others. */
  readonly zeroEnds?: boolean;
}

/**
 * A JavaScript expression that finds, in many lines at once, the places where one of the patterns matches a
 * line. It works on bytes as Latin-1 characters, the way grep does in the C locale: a character of UTF-8
 * beyond ASCII is its bytes, `.` is one byte, and case is ASCII's.
 * @param patterns as Latin-1 strings of their bytes
 * @throws UserError for an expression that is none
 */
export function compile(patterns: readonly string[], options: PatternOptions): RegExp {
  const { syntax, ignoreCase, wholeLines, words = false, zeroEnds = false } = options;
  const line = lineSyntax(zeroEnds ? '\\x00' : '\\n');
  let groups = 0;
  const sources = patterns.map(pattern => {
    if (syntax === 'fixed') return Array.from(pattern, byte => literal(byte, ignoreCase)).join('');
    const translation = new Translation(pattern, syntax === 'extended', ignoreCase, groups, line);
    const source = translation.source();
    groups = translation.groups;
    return source;
  });
  const [only] = sources;
  const source = sources.length === 1 && only !== undefined ? only : sources.map(s => `(?:${s})`).join('|');
  if (wholeLines) return new RegExp(`${line.start}(?:${source})${line.stop}`, 'g');
  return new RegExp(words ? `(?<!${WORD})(?:${source})(?!${WORD})` : source, 'g');
}

/** One pattern on its way to a JavaScript expression: recursive descent over POSIX's grammar. */
class Translation {
  readonly #pattern: string;
  readonly #extended: boolean;
  readonly #ignoreCase: boolean;
  readonly #firstGroup: number;
  readonly #line: LineSyntax;
  #at = 0;
  #depth = 0;
  /** Groups opened so far, in this pattern and those before it; and those closed in this one. */
  groups: number;
  #closed = new Set<number>();
  /**
   * Of these, what may have taken no part in a match. GNU fails at a reference to one then; JavaScript takes
   * it for empty.
   */
  readonly #optional = new Set<number>();

  constructor(pattern: string, extended: boolean, ignoreCase: boolean, groups: number, line: LineSyntax) {
    this.#line = line;
    this.#pattern = pattern;
    this.#extended = extended;
    this.#ignoreCase = ignoreCase;
    this.#firstGroup = groups;
    this.groups = groups;
  }

  source(): string {
    const source = this.#alternatives();
    if (this.#at < this.#pattern.length) throw new UserError('Unmatched ) or \\)');
    return source;
  }

  /** Takes an operator that extended syntax writes plain and basic syntax with a backslash. */
  #takes(operator: string): boolean {
    const text = this.#extended ? operator : `\\${operator}`;
    if (!this.#pattern.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #looksAt(operator: string): boolean {
    return this.#pattern.startsWith(this.#extended ? operator : `\\${operator}`, this.#at);
  }

  #alternatives(): string {
    // What one alternative has, another cannot refer to.
    const before = this.#closed;
    const after = new Set(before);
    const branches: string[] = [];
    do {
      this.#closed = new Set(before);
      branches.push(this.#branch());
      for (const number of this.#closed) after.add(number);
    } while (this.#takes('|'));
    this.#closed = after;
    if (branches.length === 1) return branches[0] as string;
    for (const number of after) if (!before.has(number)) this.#optional.add(number);
    return `(?:${branches.join('|')})`;
  }

  #branch(): string {
    let source = '';
    let first = true;
    while (this.#at < this.#pattern.length) {
      // Extended syntax takes a parenthesis that closes nothing for itself.
      if (this.#looksAt('|') || (this.#looksAt(')') && (this.#depth > 0 || !this.#extended))) break;
      const anchor = this.#anchor(source === '');
      if (anchor !== undefined) {
        source += anchor;
        // In basic syntax a star behind an opening anchor stands for itself.
        if (this.#extended) this.#repeat('', this.groups);
        first = !this.#extended && anchor === this.#line.start;
        continue;
      }
      const { groups } = this;
      source += this.#repeat(this.#atom(first), groups);
      first = false;
    }
    return source;
  }

  #anchor(first: boolean): string | undefined {
    const character = this.#pattern[this.#at];
    if (character === '^' && (this.#extended || first)) {
      this.#at += 1;
      return this.#line.start;
    }
    if (character !== '$') return undefined;
    this.#at += 1;
    const closes = this.#at === this.#pattern.length || this.#looksAt('|') || this.#looksAt(')');
    if (this.#extended || closes) return this.#line.stop;
    this.#at -= 1;
    return undefined;
  }

  #atom(first: boolean): string {
    if (this.#takes('(')) return this.#group();
    const character = this.#pattern[this.#at] as string;
    this.#at += 1;
    if (character === '.') return this.#line.any;
    if (character === '[') return this.#bracket();
    if (character === '\\') return this.#escape();
    // A repetition with nothing to repeat: itself in basic syntax, nothing in extended.
    if (character === '*' && first) return this.#extended ? '' : literal('*', false);
    if (this.#extended && first && (character === '+' || character === '?')) return '';
    return literal(character, this.#ignoreCase);
  }

  #group(): string {
    this.groups += 1;
    const number = this.groups;
    this.#depth += 1;
    const source = this.#alternatives();
    if (!this.#takes(')')) throw new UserError('Unmatched ( or \\(');
    this.#depth -= 1;
    this.#closed.add(number);
    return `(${source})`;
  }

  #escape(): string {
    const character = this.#pattern[this.#at];
    if (character === undefined) throw new UserError('Trailing backslash');
    this.#at += 1;
    if (character >= '1' && character <= '9') {
      const number = this.#firstGroup + Number(character);
      if (!this.#closed.has(number)) throw new UserError('Invalid back reference');
      if (this.#optional.has(number)) {
        throw new UserError(`\\${character} refers to a group that may take no part, which is not supported`);
      }
      return `(?:\\${number})`;
    }
    return this.#line.escaped[character] ?? literal(character, this.#ignoreCase);
  }

  /** What stands behind an atom: any number of repetitions. @param groups opened before the atom */
  #repeat(atom: string, groups: number): string {
    let source = atom;
    for (;;) {
      const repetition = this.#repetition();
      if (repetition === undefined) return source;
      for (let number = groups + 1; number <= this.groups; number++) {
        if (repetition === '{0,0}') this.#closed.delete(number);
        else if (/^(?:[*?]|\{0,)/.test(repetition)) this.#optional.add(number);
      }
      // A repeated assertion, or nothing repeated, is not allowed in JavaScript as it is.
      source = source === '' ? '' : `(?:${source})${repetition}`;
    }
  }

  #repetition(): string | undefined {
    if (this.#pattern[this.#at] === '*') {
      this.#at += 1;
      return '*';
    }
    if (this.#takes('+')) return '+';
    if (this.#takes('?')) return '?';
    return this.#interval();
  }

  #interval(): string | undefined {
    if (!this.#looksAt('{')) return undefined;
    const close = this.#extended ? '\\}' : '\\\\\\}';
    const expression = new RegExp(`^\\\\?\\{(\\d*)(,?)(\\d*)${close}`);
    const found = expression.exec(this.#pattern.slice(this.#at));
    const [text = '', low = '', comma = '', high = ''] = found ?? [];
    if (found === null || (low === '' && comma === '')) {
      // Extended syntax takes a brace that begins no interval for itself.
      if (this.#extended) return undefined;
      throw new UserError(
        this.#pattern.includes('\\}', this.#at) ? 'Invalid content of \\{\\}' : 'Unmatched \\{',
      );
    }
    this.#at += text.length;
    const least = Number(low);
    const most = comma === '' ? least : high === '' ? undefined : Number(high);
    if (Math.max(least, most ?? 0) > MAX_REPEAT) throw new UserError('Regular expression too big');
    if (most !== undefined && most < least) throw new UserError('Invalid content of \\{\\}');
    return `{${least},${most ?? ''}}`;
  }

  #bracket(): string {
    const pattern = this.#pattern;
    const negated = pattern[this.#at] === '^';
    if (negated) this.#at += 1;
    const start = this.#at;
    let content = '';
    let isPlain = true;
    for (let first = true; ; first = false) {
      const character = pattern[this.#at];
      if (character === undefined) throw unmatchedBracket();
      if (character === ']' && !first) break;
      const named = character === '[' ? this.#namedClass() : undefined;
      const from = this.#at;
      content += named ?? this.#range();
      isPlain &&= named === undefined && this.#at === from + 1;
    }
    if (isPlain && /^:.+:$/s.test(pattern.slice(start, this.#at))) {
      throw new UserError('character class syntax is [[:space:]], not [:space:]');
    }
    this.#at += 1;
    // Nothing matches what ends the line.
    const { end } = this.#line;
    return negated ? `[^${end}${content}]` : `(?:(?!${end})[${content}])`;
  }

  #namedClass(): string | undefined {
    if (this.#pattern[this.#at + 1] !== ':') return undefined;
    const end = this.#pattern.indexOf(':]', this.#at + 2);
    if (end === -1) throw unmatchedBracket();
    const name = this.#pattern.slice(this.#at + 2, end);
    const content = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined;
    if (content === undefined) throw new UserError('Invalid character class name');
    this.#at = end + 2;
    return this.#ignoreCase && (name === 'upper' || name === 'lower') ? CLASSES.alpha : content;
  }

  #range(): string {
    const low = this.#endpoint();
    const pattern = this.#pattern;
    if (pattern[this.#at] !== '-' || pattern[this.#at + 1] === ']' || this.#at + 1 >= pattern.length) {
      return inBracket(low, low, this.#ignoreCase);
    }
    this.#at += 1;
    const high = this.#endpoint();
    if (high < low) throw new UserError('Invalid range end');
    return inBracket(low, high, this.#ignoreCase);
  }

  /** A character of a bracket, or a collating element or equivalence class of one. */
  #endpoint(): number {
    const pattern = this.#pattern;
    const kind = pattern[this.#at + 1];
    if (pattern[this.#at] === '[' && (kind === '.' || kind === '=')) {
      if (pattern.slice(this.#at + 3, this.#at + 5) !== `${kind}]`) throw unmatchedBracket();
      this.#at += 5;
      return pattern.charCodeAt(this.#at - 3);
    }
    this.#at += 1;
    return pattern.charCodeAt(this.#at - 1);
  }
}

function unmatchedBracket(): UserError {
  return new UserError('Unmatched [, [^, [:, [., or [=');
}

function isLetter(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

/** The byte itself, in either case if that is to be ignored. */
function literal(byte: string, ignoreCase: boolean): string {
  const code = byte.charCodeAt(0);
  if (!ignoreCase || !isLetter(code)) return escaped(code);
  return `[${escaped(code)}${escaped(code ^ 32)}]`;
}

function inBracket(low: number, high: number, ignoreCase: boolean): string {
  let content = `${escaped(low)}-${escaped(high)}`;
  if (!ignoreCase) return content;
  for (let code = low; code <= high; code++) if (isLetter(code)) content += escaped(code ^ 32);
  return content;
}

function escaped(code: number): string {
  const character = String.fromCharCode(code);
  return /[A-Za-z0-9 ]/.test(character) ? character : `\\x${code.toString(16).padStart(2, '0')}`;
}
