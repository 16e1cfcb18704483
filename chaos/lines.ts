/** What the director tells an actor, one line of JSON each. */
export interface Cue {
  /** Whom, by name. One who has forked others passes on what is theirs. */
  readonly to: string;
  /** Comes back with the answer. */
  readonly id: number;
  readonly say: string;
  /** For what takes a while: how long, in milliseconds. */
  readonly lasts?: number;
}

/** What an actor tells the director, one line of JSON each. */
export type Told =
  /** It is there, and does what it has to. */
  | { readonly from: string; readonly is: 'up'; readonly pid: number }
  /** What it has counted since it said so last. */
  | { readonly from: string; readonly is: 'tally'; readonly counts: Readonly<Record<string, number>> }
  /** The answer to a cue. */
  | { readonly from: string; readonly is: 'answer'; readonly id: number; readonly answer: unknown }
  /** A payload that is not as it was made. */
  | { readonly from: string; readonly is: 'wrong'; readonly what: string }
  /** Something failed as it may not, whatever happens around it. */
  | { readonly from: string; readonly is: 'trouble'; readonly what: string };

/** Cuts what comes into lines; what is left of one that broke off is dropped with this. */
export class LineReader {
  #rest = '';
  readonly #line: (value: unknown) => void;

  constructor(line: (value: unknown) => void) {
    this.#line = line;
  }

  readonly take = (text: string): void => {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const value = parsed(line);
      if (value === undefined) continue;
      this.#line(value);
    }
  };
}

/** Undefined for what is no JSON: of two who write to one pipe, one may have been killed in between. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
