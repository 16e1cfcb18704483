/*
 * Where a match ends. JavaScript takes the alternative that comes first, POSIX the one that goes furthest:
 * the expression finds where the first match begins, and an automaton made of its source follows all
 * alternatives at once from there.
 */

/** A part of an expression. */
type Node =
  | { readonly kind: 'byte'; readonly members: Uint8Array }
  | { readonly kind: 'place'; readonly holds: RegExp }
  | { readonly kind: 'all' | 'any'; readonly nodes: readonly Node[] }
  | { readonly kind: 'repeat'; readonly node: Node; readonly least: number; readonly most: number };

/**
 * A state takes one byte of its members, or none and goes on to `next`: everywhere, or where a place holds.
 */
interface State {
  readonly members?: Uint8Array;
  readonly holds?: RegExp;
  readonly next: number[];
}

/** Beyond as many the first match that JavaScript finds has to do. */
const MAX_STATES = 0x1000;
/** The state in which a match is whole. */
const FINAL = 0x00;

/** Finds matches in a line of Latin-1, the first and of these the longest, as POSIX has it. */
export class LongestMatch {
  readonly #expression: RegExp;
  readonly #automaton: Automaton | undefined;
  start = 0;
  end = 0;

  /**
   * @param expression of `compile`, with the flag g. With back references, or very large repetitions, its
   *   match is the one that JavaScript finds.
   */
  constructor(expression: RegExp) {
    this.#expression = expression;
    this.#automaton = automatonOf(expression.source);
  }

  /** Finds the first match that begins at `from` or later. @returns whether there is one */
  find(line: string, from: number): boolean {
    this.#expression.lastIndex = from;
    const found = this.#expression.exec(line);
    if (found === null) return false;
    this.start = found.index;
    this.end = this.#automaton?.endOf(line, found.index) ?? found.index + found[0].length;
    return true;
  }
}

function automatonOf(source: string): Automaton | undefined {
  const node = new SourceReader(source).read();
  const automaton = new Automaton();
  return node !== undefined && automaton.take(node) ? automaton : undefined;
}

class Automaton {
  readonly #states: State[] = [{ next: [] }];
  #first = FINAL;
  /** The round in which a state was last reached. */
  #reached = new Int32Array(0);
  #round = 0;

  /** @returns false where it is too large */
  take(node: Node): boolean {
    this.#first = this.#build(node, FINAL);
    this.#reached = new Int32Array(this.#states.length);
    return this.#states.length < MAX_STATES;
  }

  /** Where the longest match that begins at `start` ends; undefined without one. */
  endOf(line: string, start: number): number | undefined {
    let current = this.#closure([this.#first], line, start);
    let end: number | undefined;
    for (let at = start; current.length > 0; at++) {
      if (this.#reached[FINAL] === this.#round) end = at;
      if (at === line.length) break;
      const byte = line.charCodeAt(at);
      const next: number[] = [];
      for (const state of current) {
        const { members, next: after } = this.#states[state] as State;
        if (members?.[byte]) next.push(after[0] as number);
      }
      current = this.#closure(next, line, at + 1);
    }
    return end;
  }

  /** All states that are reached without a byte. */
  #closure(from: readonly number[], line: string, at: number): number[] {
    this.#round += 1;
    const stack = [...from];
    const reached: number[] = [];
    for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
      if (this.#reached[state] === this.#round) continue;
      this.#reached[state] = this.#round;
      reached.push(state);
      const { members, holds, next } = this.#states[state] as State;
      if (members !== undefined) continue;
      if (holds !== undefined) {
        holds.lastIndex = at;
        if (!holds.test(line)) continue;
      }
      stack.push(...next);
    }
    return reached;
  }

  /** @returns the state where the part begins that goes on to `next` */
  #build(node: Node, next: number): number {
    if (this.#states.length >= MAX_STATES) return next;
    switch (node.kind) {
      case 'byte':
        return this.#add({ members: node.members, next: [next] });
      case 'place':
        return this.#add({ holds: node.holds, next: [next] });
      case 'all':
        return node.nodes.reduceRight((after, part) => this.#build(part, after), next);
      case 'any':
        return this.#add({ next: node.nodes.map(part => this.#build(part, next)) });
      case 'repeat':
        return this.#buildRepeat(node.node, node.least, node.most, next);
    }
  }

  #buildRepeat(node: Node, least: number, most: number, next: number): number {
    let first = next;
    if (most === Number.POSITIVE_INFINITY) {
      const after = [next];
      first = this.#add({ next: after });
      after.push(this.#build(node, first));
    } else {
      for (let i = least; i < most && this.#states.length < MAX_STATES; i++) {
        first = this.#add({ next: [next, this.#build(node, first)] });
      }
    }
    for (let i = 0; i < least && this.#states.length < MAX_STATES; i++) first = this.#build(node, first);
    return first;
  }

  #add(state: State): number {
    return this.#states.push(state) - 1;
  }
}

/** Reads what `compile` writes: bytes, classes, places, groups, and repetitions of these. */
class SourceReader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** Undefined where there is a back reference. */
  read(): Node | undefined {
    return /(?:^|[^\\])(?:\\\\)*\\[1-9]/.test(this.#source) ? undefined : this.#alternatives();
  }

  #alternatives(): Node {
    const nodes = [this.#branch()];
    while (this.#takes('|')) nodes.push(this.#branch());
    return nodes.length === 1 ? (nodes[0] as Node) : { kind: 'any', nodes };
  }

  #branch(): Node {
    const nodes: Node[] = [];
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source[this.#at] as string)) {
      nodes.push(this.#repeat(this.#atom()));
    }
    return { kind: 'all', nodes };
  }

  #atom(): Node {
    const start = this.#at;
    if (/^\(\?<?[=!]/.test(this.#source.slice(start, start + 4))) {
      this.#skipPlace();
      return { kind: 'place', holds: new RegExp(this.#source.slice(start, this.#at), 'y') };
    }
    if (this.#takes('(?:') || this.#takes('(')) {
      const node = this.#alternatives();
      this.#takes(')');
      return node;
    }
    if (this.#takes('\\b') || this.#takes('\\B')) {
      return { kind: 'place', holds: new RegExp(this.#source.slice(start, this.#at), 'y') };
    }
    if (this.#source[start] === '[') this.#skipBracket();
    else this.#at += this.#source.startsWith('\\x', start) ? 4 : 1;
    return { kind: 'byte', members: membersOf(this.#source.slice(start, this.#at)) };
  }

  #repeat(node: Node): Node {
    const [text = '', sign, low, comma, high] =
      /^(?:([*+?])|\{(\d+)(,?)(\d*)\})/.exec(this.#source.slice(this.#at, this.#at + 16)) ?? [];
    if (text === '') return node;
    this.#at += text.length;
    const least = sign === undefined ? Number(low) : sign === '+' ? 1 : 0;
    const isOpen = sign === undefined ? comma !== '' && high === '' : sign !== '?';
    const last = sign === '?' ? 1 : comma === '' ? least : Number(high);
    return { kind: 'repeat', node, least, most: isOpen ? Number.POSITIVE_INFINITY : last };
  }

  /** Of what looks ahead or behind: it has no group in it. */
  #skipPlace(): void {
    this.#at += 3;
    while (!this.#takes(')')) {
      if (this.#source[this.#at] === '[') this.#skipBracket();
      else this.#at += 1;
    }
  }

  #skipBracket(): void {
    while (this.#source[this.#at] !== ']') this.#at += this.#source[this.#at] === '\\' ? 2 : 1;
    this.#at += 1;
  }

  #takes(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }
}

const known = new Map<string, Uint8Array>();

/** Which bytes an expression of one byte matches. */
function membersOf(source: string): Uint8Array {
  let members = known.get(source);
  if (members === undefined) {
    const expression = new RegExp(source);
    members = Uint8Array.from({ length: 256 }, (_, byte) =>
      expression.test(String.fromCharCode(byte)) ? 1 : 0,
    );
    known.set(source, members);
  }
  return members;
}
