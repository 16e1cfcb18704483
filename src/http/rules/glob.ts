/** What of a text a glob left open, or chose, in the order of the glob; empty for what took no part. */
export type Captures = readonly string[];

/** What a glob consists of when its alternatives are written out. */
type Token =
  | { readonly kind: 'text'; readonly text: string }
  /** One character of a segment: any, or one that a class has. */
  | { readonly kind: 'one'; readonly has: (char: string) => boolean }
  /** Characters of a segment, so many at least. */
  | { readonly kind: 'star'; readonly capture: number; readonly least: number }
  /** Segments, each with the slash behind it. */
  | { readonly kind: 'folders'; readonly capture: number }
  /** The end, or a slash and whatever follows; at the beginning all there is. */
  | { readonly kind: 'rest'; readonly capture: number; readonly isAll: boolean }
  | { readonly kind: 'begin' | 'end'; readonly capture: number };

/** A character that stands for itself, or a mark of what does not. */
type Piece =
  | { readonly kind: 'char'; readonly char: string }
  | { readonly kind: 'one'; readonly has: (char: string) => boolean }
  | { readonly kind: 'star'; readonly stars: number; readonly capture: number }
  | { readonly kind: 'begin' | 'end'; readonly capture: number };

/** Ways to write out the alternatives of a glob. */
const MAX_ALTERNATIVES = 256;
const isAny = (char: string): boolean => char !== '/';

/**
 * Compiles a glob: `*` and `?` within a segment, `**` for any number of segments, `[a-z]`, `[!a]`, `{a,b}`,
 * and `\` before what stands for itself. A slash at the end of a text may be there or not.
 *
 * Whatever text it is asked for takes O(glob × text²) at most, and mostly one pass: to a regular expression
 * who sends a request could give work for minutes.
 * @returns what finds out what is open in a text; undefined for one that is not meant
 * @throws Error that says what is wrong with it, for people
 */
export function compileGlob(glob: string): (text: string) => Captures | undefined {
  const reader = new GlobReader(glob);
  const alternatives = reader.read().map(tokensOf);
  return text => {
    for (const tokens of alternatives) {
      const found =
        match(tokens, text, reader.captures) ??
        (text.endsWith('/') ? match(tokens, text.slice(0, -1), reader.captures) : undefined);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

/** Reads a glob, and writes out its alternatives. */
class GlobReader {
  captures = 0;
  readonly #glob: string;
  #at = 0;

  constructor(glob: string) {
    this.#glob = glob;
  }

  read(): Piece[][] {
    return this.#sequence('');
  }

  /** All up to one of the characters, or the end. */
  #sequence(until: string): Piece[][] {
    let ways: Piece[][] = [[]];
    while (this.#at < this.#glob.length && !until.includes(this.#glob[this.#at] as string)) {
      const next = this.#next();
      ways = ways.flatMap(way => next.map(each => [...way, ...each]));
      if (ways.length > MAX_ALTERNATIVES) throw new Error('it has too many alternatives');
    }
    return ways;
  }

  #next(): Piece[][] {
    const glob = this.#glob;
    const char = glob[this.#at] as string;
    if ('@+*?!'.includes(char) && glob[this.#at + 1] === '(')
      throw new Error(`${char}( ) is not known: {a,b} stands for one of several`);
    this.#at += 1;
    if (char === '\\' && this.#at < glob.length)
      return [[{ kind: 'char', char: glob[this.#at++] as string }]];
    if (char === '?') return [[{ kind: 'one', has: isAny }]];
    if (char === '[') return [[{ kind: 'one', has: this.#class() }]];
    if (char === '{') return this.#braces();
    if (char !== '*') return [[{ kind: 'char', char }]];
    const start = this.#at - 1;
    while (glob[this.#at] === '*' && glob[this.#at + 1] !== '(') this.#at += 1;
    return [[{ kind: 'star', stars: this.#at - start, capture: this.captures++ }]];
  }

  #braces(): Piece[][] {
    const capture = this.captures++;
    const ways: Piece[][] = [];
    for (let count = 1; ; count++) {
      for (const way of this.#sequence(',}'))
        ways.push([{ kind: 'begin', capture }, ...way, { kind: 'end', capture }]);
      const border = this.#glob[this.#at];
      this.#at += 1;
      if (border === ',') continue;
      if (border === undefined) throw new Error('a } is missing');
      if (count === 1) throw new Error('{ } is to have several, as {a,b}');
      return ways;
    }
  }

  #class(): (char: string) => boolean {
    const end = this.#glob.indexOf(
      ']',
      this.#at + (/^[!^]?\]/.exec(this.#glob.slice(this.#at))?.[0].length ?? 0),
    );
    if (end === -1) throw new Error('a ] is missing');
    const isNegated = '!^'.includes(this.#glob[this.#at] as string);
    const stated = this.#glob.slice(this.#at + (isNegated ? 1 : 0), end);
    this.#at = end + 1;
    const ranges: [first: string, last: string][] = [];
    for (let i = 0; i < stated.length; i++) {
      const isRange = stated[i + 1] === '-' && i + 2 < stated.length;
      ranges.push([stated[i] as string, stated[isRange ? i + 2 : i] as string]);
      if (isRange) i += 2;
    }
    return char =>
      char !== '/' && ranges.some(([first, last]) => char >= first && char <= last) !== isNegated;
  }
}

/** Two stars that are a segment are segments, others as one. */
function tokensOf(pieces: readonly Piece[]): Token[] {
  const plain = pieces.filter(({ kind }) => kind !== 'begin' && kind !== 'end');
  const isBorder = (piece: Piece | undefined): boolean =>
    piece === undefined || (piece.kind === 'char' && piece.char === '/');
  const tokens: Token[] = [];
  let skipsSlash = false;
  for (const piece of pieces) {
    if (piece.kind === 'char') {
      if (!skipsSlash) addText(tokens, piece.char);
      skipsSlash = false;
      continue;
    }
    if (piece.kind !== 'star') {
      tokens.push(piece);
      continue;
    }
    const place = plain.indexOf(piece);
    const { capture } = piece;
    const isSegment = isBorder(plain[place - 1]) && isBorder(plain[place + 1]);
    if (!isSegment || piece.stars === 1) tokens.push({ kind: 'star', capture, least: isSegment ? 1 : 0 });
    else if (place < plain.length - 1) {
      tokens.push({ kind: 'folders', capture });
      skipsSlash = true;
    } else {
      const isAll = place === 0 || !takeSlash(tokens);
      tokens.push({ kind: 'rest', capture, isAll });
    }
  }
  return tokens;
}

function addText(tokens: Token[], char: string): void {
  const last = tokens.at(-1);
  if (last?.kind === 'text') tokens[tokens.length - 1] = { kind: 'text', text: last.text + char };
  else tokens.push({ kind: 'text', text: char });
}

/** Takes the slash off that tokens end with. @returns whether it is there, and not part of what is chosen */
function takeSlash(tokens: Token[]): boolean {
  const last = tokens.at(-1);
  if (last?.kind !== 'text' || !last.text.endsWith('/')) return false;
  tokens[tokens.length - 1] = { kind: 'text', text: last.text.slice(0, -1) };
  return true;
}

/** Where the work goes on when what follows does not fit: one character or folder later. */
interface Retry {
  readonly token: number;
  at: number;
}

/**
 * Each star takes as little as it can. What fits behind the last one fits behind the ones before it: only the
 * last star of a segment, and the last folders, are tried again.
 */
function match(tokens: readonly Token[], text: string, captures: number): Captures | undefined {
  const found: [start: number, end: number][] = Array.from({ length: captures }, () => [0, 0]);
  let star: Retry | undefined;
  let folders: Retry | undefined;
  let at = 0;
  for (let index = 0; ; ) {
    const token = tokens[index];
    if (token === undefined && at === text.length) return found.map(([start, end]) => text.slice(start, end));
    const behind = token === undefined ? -1 : step(token, text, at, found);
    if (token !== undefined && behind !== -1) {
      if (token.kind === 'star') star = { token: index, at: behind };
      if (token.kind === 'folders') [folders, star] = [{ token: index, at: behind }, undefined];
      at = behind;
      index += 1;
      continue;
    }
    if (star !== undefined && star.at < text.length && text[star.at] !== '/') star.at += 1;
    else {
      star = undefined;
      const slash = folders === undefined ? -1 : text.indexOf('/', folders.at);
      if (folders === undefined || slash === -1) return undefined;
      folders.at = slash + 1;
    }
    const retry = (star ?? folders) as Retry;
    const { capture } = tokens[retry.token] as Token & { capture: number };
    at = retry.at;
    (found[capture] as [number, number])[1] = star === undefined ? at - 1 : at;
    index = retry.token + 1;
  }
}

/** @returns where the text goes on behind what a token takes at least; -1 where it does not fit */
function step(token: Token, text: string, at: number, found: [number, number][]): number {
  if (token.kind === 'text') return text.startsWith(token.text, at) ? at + token.text.length : -1;
  if (token.kind === 'one') return at < text.length && token.has(text[at] as string) ? at + 1 : -1;
  const { capture } = token;
  if (token.kind === 'end') (found[capture] as [number, number])[1] = at;
  else if (token.kind === 'rest') {
    const start = token.isAll || at === text.length ? at : at + 1;
    if (start > at && text[at] !== '/') return -1;
    found[capture] = [start, text.length];
    return text.length;
  } else if (token.kind === 'star') {
    const end = at + token.least;
    if (end > at && (at >= text.length || text[at] === '/')) return -1;
    found[capture] = [at, end];
    return end;
  } else found[capture] = [at, at];
  return at;
}
