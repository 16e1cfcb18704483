/**
 * An explicit-state model checker: visits every state that a protocol can reach, breadth first, so that the
 * first fault found has a shortest way to it.
 */

/** A protocol as a transition system. A state is a fixed number of bytes. */
export interface Protocol {
  readonly initial: Uint8Array;
  /** All steps from a state, in an order that is the same at each call. */
  steps(state: Uint8Array, visit: Visit): void;
  /** What no state may be: why this one is wrong, or undefined. */
  fault(state: Uint8Array): string | undefined;
  /** What must not be left once nothing more happens by itself, or undefined. */
  unrest(state: Uint8Array): string | undefined;
}

/**
 * @param isFair whether it happens by itself, sooner or later; others are the world's choice: a death, a
 *   message
 * @param next the state it leads to; the caller may change it afterwards
 * @param name of the step. Called for the steps of a trace only
 */
export type Visit = (isFair: boolean, next: Uint8Array, name: () => string) => void;

export interface Findings {
  readonly states: number;
  readonly steps: number;
  /** Steps from the first state to the furthest. */
  readonly depth: number;
  readonly failure: Failure | undefined;
}

interface Failure {
  readonly property: 'safety' | 'liveness';
  readonly what: string;
  /** The steps that lead to it; of a circle without end, the way into it. */
  readonly trace: readonly string[];
}

/**
 * Searches all states. Safety: none has a fault. Liveness: when the world stops choosing, every run of fair
 * steps ends, and ends at rest. So nobody waits for ever, and nothing is kept for the dead.
 */
export function check(protocol: Protocol): Findings {
  const states = new StateTable(protocol.initial.length);
  const parents = new NumberList();
  const choices = new NumberList();
  const fair = new FairSteps();
  let steps = 0;
  let [depth, levelEnd] = [0, 1];
  states.add(protocol.initial);
  parents.push(0);
  choices.push(0);
  const findings = (failure?: Omit<Failure, 'trace'>, at = 0): Findings => ({
    states: states.size,
    steps,
    depth,
    failure: failure && { ...failure, trace: traceTo(at, protocol, parents, choices) },
  });
  for (let at = 0; at < states.size; at++) {
    if (at === levelEnd) {
      depth += 1;
      levelEnd = states.size;
    }
    const state = states.get(at);
    const what = protocol.fault(state);
    if (what !== undefined) return findings({ property: 'safety', what }, at);
    let choice = 0;
    fair.begin();
    protocol.steps(state, (isFair, next) => {
      steps += 1;
      const before = states.size;
      const to = states.add(next);
      if (to === before) {
        parents.push(at);
        choices.push(choice);
      }
      choice += 1;
      if (isFair && to !== at) fair.add(to);
    });
  }
  fair.begin();
  for (let at = 0; at < states.size; at++) {
    const what = fair.isLast(at) ? protocol.unrest(states.get(at)) : undefined;
    if (what !== undefined) return findings({ property: 'liveness', what }, at);
  }
  const circle = fair.circle(states.size);
  return circle === undefined
    ? findings()
    : findings({ property: 'liveness', what: 'it goes round in a circle' }, circle);
}

/** The names of the steps from the first state to one: which step it was is known, and taken again. */
function traceTo(end: number, protocol: Protocol, parents: NumberList, choices: NumberList): string[] {
  const path: number[] = [];
  for (let at = end; at !== 0; at = parents.get(at)) path.unshift(choices.get(at));
  const trace: string[] = [];
  let state = protocol.initial;
  for (const wanted of path) {
    let choice = 0;
    let reached = state;
    protocol.steps(state, (_, next, name) => {
      if (choice === wanted) {
        trace.push(name());
        reached = next.slice();
      }
      choice += 1;
    });
    state = reached;
  }
  return trace;
}

/** Numbers below 2^32, as many as come. */
class NumberList {
  #numbers = new Uint32Array(1024);
  length = 0;

  push(number: number): void {
    if (this.length === this.#numbers.length) {
      const larger = new Uint32Array(2 * this.length);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.length] = number;
    this.length += 1;
  }

  get(at: number): number {
    return this.#numbers[at] as number;
  }
}

/** The states that were reached, each once, numbered as they came. Found by a hash, told apart by their bytes. */
class StateTable {
  readonly #width: number;
  #bytes: Uint8Array;
  /** By hash, with open addressing: a state's number and one more. */
  #slots = new Uint32Array(2 ** 16);
  size = 0;

  constructor(width: number) {
    this.#width = width;
    this.#bytes = new Uint8Array(width * 1024);
  }

  /** A view, until the next {@link add}. */
  get(at: number): Uint8Array {
    return this.#bytes.slice(at * this.#width, (at + 1) * this.#width);
  }

  /** @returns its number: the size before, if it is new */
  add(state: Uint8Array): number {
    if (2 * this.size >= this.#slots.length) this.#grow();
    const mask = this.#slots.length - 1;
    let slot = hashOf(state) & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const known = (this.#slots[slot] as number) - 1;
      if (this.#equals(known, state)) return known;
    }
    if ((this.size + 1) * this.#width > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(state, this.size * this.#width);
    this.size += 1;
    this.#slots[slot] = this.size;
    return this.size - 1;
  }

  #equals(at: number, state: Uint8Array): boolean {
    const start = at * this.#width;
    for (let i = 0; i < this.#width; i++) if (this.#bytes[start + i] !== state[i]) return false;
    return true;
  }

  #grow(): void {
    this.#slots = new Uint32Array(2 * this.#slots.length);
    const mask = this.#slots.length - 1;
    for (let at = 0; at < this.size; at++) {
      let slot = hashOf(this.#bytes.subarray(at * this.#width, (at + 1) * this.#width)) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = at + 1;
    }
  }
}

function hashOf(state: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < state.length; i++) hash = Math.imul(hash ^ (state[i] as number), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** Which states fair steps lead to, by the state that they are taken in. */
class FairSteps {
  readonly #targets = new NumberList();
  readonly #starts = new NumberList();

  /** The next state's are added from here on. */
  begin(): void {
    this.#starts.push(this.#targets.length);
  }

  add(to: number): void {
    this.#targets.push(to);
  }

  /** Whether nothing more happens by itself. */
  isLast(at: number): boolean {
    return this.#starts.get(at) === this.#starts.get(at + 1);
  }

  /** A state from which fair steps lead back to it; undefined where there is none. */
  circle(states: number): number | undefined {
    const incoming = new Uint32Array(states);
    for (let i = 0; i < this.#targets.length; i++) {
      const to = this.#targets.get(i);
      incoming[to] = (incoming[to] as number) + 1;
    }
    // What nothing leads to is in no circle; nor is what only such states lead to.
    const free = new NumberList();
    for (let at = 0; at < states; at++) if (incoming[at] === 0) free.push(at);
    for (let i = 0; i < free.length; i++) {
      const at = free.get(i);
      for (let edge = this.#starts.get(at); edge < this.#starts.get(at + 1); edge++) {
        const to = this.#targets.get(edge);
        incoming[to] = (incoming[to] as number) - 1;
        if (incoming[to] === 0) free.push(to);
      }
    }
    let at = incoming.findIndex(count => count > 0);
    if (at === -1) return undefined;
    // The others are in a circle, or behind one: backwards all ways lead into it.
    const before = new Uint32Array(states);
    for (let from = 0; from < states; from++) {
      if (incoming[from] === 0) continue;
      for (let edge = this.#starts.get(from); edge < this.#starts.get(from + 1); edge++)
        before[this.#targets.get(edge)] = from;
    }
    for (let i = 0; i < states; i++) at = before[at] as number;
    return at;
  }
}
