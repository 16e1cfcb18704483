import type { Random } from './random.ts';

/** What is fuzzed: a function over bytes, and what is known of the bytes. */
export interface Target {
  readonly name: string;
  /** The sources whose blocks count as coverage: how their paths below src/ begin. */
  readonly covers: readonly string[];
  /** What is put into cases: words of the grammar, and what else has a meaning. Strings are latin1. */
  readonly tokens: readonly (string | Uint8Array)[];
  /** A case as the grammar has it, for changes to spoil. */
  make(random: Random): Buffer;
  /** Throws where something is wrong. May change the bytes. */
  run(bytes: Buffer): void | Promise<void>;
  /** Lets go of what it has opened. */
  close?(): void | Promise<void>;
}

/** Two who have to say the same do not. */
class Disagreement extends Error {
  override readonly name = 'Disagreement';
}

/** @throws unless both are the same, as JSON */
export function agree(what: string, ours: unknown, theirs: unknown): void {
  const [one, other] = [show(ours), show(theirs)];
  if (one !== other) throw new Disagreement(`${what}: ours ${one}, theirs ${other}`);
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing';
}
