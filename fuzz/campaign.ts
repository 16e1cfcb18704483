import { Coverage } from './coverage.ts';
import { mutate } from './mutate.ts';
import { Random } from './random.ts';
import type { Target } from './target.ts';

/** A case that something is wrong with. */
interface Find {
  readonly bytes: Buffer;
  readonly error: Error;
}

interface CampaignOptions {
  readonly seed: number;
  readonly corpus: readonly Buffer[];
  /** Asked between batches. */
  readonly isOver: (cases: number) => boolean;
  /** Told of each batch before it is run: should the process not outlive it. */
  readonly begins?: (batch: readonly Buffer[]) => void;
  /** Told after each batch. */
  readonly told?: (cases: number, characters: number, corpus: number) => void;
}

interface CampaignResult {
  readonly cases: number;
  /** Characters of the sources that were run. */
  readonly characters: number;
  /** Cases each of which ran something that those before did not. */
  readonly corpus: readonly Buffer[];
  readonly finds: readonly Find[];
}

/** Cases of a batch: the fewest, and the most when there is nothing new for long. */
const LEAST_BATCH = 16;
const MOST_BATCH = 4096;
/** What a batch should take: it is after that that coverage is looked at. */
const BATCH_MS = 250;
/** Finds that differ. Then it is time to look at them. */
const MAX_FINDS = 12;
/** Of all cases, those that the grammar makes and nothing spoils; and of the others, those it begins with. */
const MADE_PART = 0.25;
const SPOILED_PART = 0.3;

/**
 * Runs cases: those of a corpus first, then such as the grammar makes and changed ones of the corpus. What
 * runs a block of the sources that nothing before has run joins the corpus.
 */
export async function campaign(target: Target, options: CampaignOptions): Promise<CampaignResult> {
  const random = new Random(options.seed);
  const coverage = new Coverage(target.covers);
  const tokens = target.tokens.map(token =>
    typeof token === 'string' ? Buffer.from(token, 'latin1') : Buffer.from(token),
  );
  const corpus: Buffer[] = [];
  const finds = new Map<string, Find>();
  let cases = 0;
  const run = async (batch: readonly Buffer[]): Promise<void> => {
    options.begins?.(batch);
    for (const bytes of batch) {
      const error = await problemOf(target, bytes);
      if (error !== undefined && !finds.has(kindOf(error))) finds.set(kindOf(error), { bytes, error });
    }
    cases += batch.length;
  };
  /** Finds out which of a batch that was just run ran what is new, by halves. */
  const learn = async (batch: readonly Buffer[]): Promise<boolean> => {
    if ((await coverage.take()) === 0) return false;
    if (batch.length === 1) {
      coverage.keep();
      corpus.push(batch[0] as Buffer);
      return true;
    }
    const half = batch.length >> 1;
    for (const part of [batch.slice(0, half), batch.slice(half)]) {
      for (const bytes of part) await problemOf(target, bytes);
      await learn(part);
    }
    return true;
  };
  const made = (): Buffer => {
    if (corpus.length === 0 || random.chance(MADE_PART)) return target.make(random);
    const base = random.chance(SPOILED_PART) ? target.make(random) : random.pick(corpus);
    return mutate(base, random, tokens, random.pick(corpus));
  };
  await coverage.start();
  for (let at = 0; at < options.corpus.length; at += LEAST_BATCH) {
    const batch = options.corpus.slice(at, at + LEAST_BATCH);
    await run(batch);
    await learn(batch);
  }
  for (let size = LEAST_BATCH; !options.isOver(cases) && finds.size < MAX_FINDS; ) {
    const batch = Array.from({ length: size }, made);
    const before = performance.now();
    await run(batch);
    const isSlow = performance.now() - before > BATCH_MS;
    const hasNew = await learn(batch);
    size = hasNew ? LEAST_BATCH : isSlow ? Math.max(LEAST_BATCH, size >> 1) : Math.min(2 * size, MOST_BATCH);
    options.told?.(cases, coverage.characters, corpus.length);
  }
  const { characters } = coverage;
  coverage.stop();
  return {
    cases,
    characters,
    corpus,
    finds: await Promise.all([...finds.values()].map(each => shrunk(target, each))),
  };
}

/** What a case fails with. */
export async function problemOf(target: Target, bytes: Buffer): Promise<Error | undefined> {
  try {
    await target.run(Buffer.from(bytes));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Errors from one place, with one beginning, are of one kind. */
function kindOf({ message, stack = '' }: Error): string {
  return `${message.split(':', 1)[0]} ${/\n\s+at (?!agree)[^\n]*/.exec(stack)?.[0] ?? ''}`;
}

/** Leaves out of a find what it needs not. */
async function shrunk(target: Target, { bytes, error }: Find): Promise<Find> {
  const kind = kindOf(error);
  let found = { bytes, error };
  for (let length = bytes.length >> 1; length > 0; length >>= 1) {
    for (let at = 0; at + length <= found.bytes.length; ) {
      const less = Buffer.concat([found.bytes.subarray(0, at), found.bytes.subarray(at + length)]);
      const same = await problemOf(target, less);
      if (same !== undefined && kindOf(same) === kind) found = { bytes: less, error: same };
      else at += length;
    }
  }
  return found;
}
