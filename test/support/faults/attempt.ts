import assert from 'node:assert/strict';
import { constants } from 'node:os';
import type { Call, FaultRule, Faults } from './faults.ts';

/** One fault of a matrix. */
export type FaultCell = readonly [call: Call, rule: FaultRule];

/** What is done under a fault. */
export interface Attempted {
  operation(): Promise<void>;
  /** Looks at what has come of it, when the fault is over. @param isDone whether it threw nothing */
  check?(isDone: boolean): Promise<void> | void;
  /** Releases what it has. */
  end?(): Promise<void> | void;
}

/** What became of it. */
export interface Outcome {
  readonly cell: string;
  /** How many calls have met the fault. */
  readonly hits: number;
  /** Of the error that it ended with; undefined where it did all the same. */
  readonly code: string | undefined;
}

/**
 * Does something under each of many faults, and once more when that one is over. Under it, it does what it is
 * to do or throws an error with a code of the kernel's or of ours; afterwards it does it.
 * @param prepare makes what is done, for each fault anew
 * @throws AssertionError, which names the cells where it did not
 */
export async function attemptAll(
  faults: Faults,
  cells: readonly FaultCell[],
  prepare: () => Promise<Attempted> | Attempted,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const failures: string[] = [];
  for (const cell of cells) {
    const { failure, ...outcome } = await attempt(faults, cell, await prepare());
    outcomes.push(outcome);
    if (failure !== undefined) failures.push(failure);
  }
  if (process.env.IOLITE_FAULTS_SHOW !== undefined)
    for (const { cell, hits, code = 'done' } of outcomes) console.log(`${cell}: ${hits} calls, ${code}`);
  assert.deepEqual(failures, []);
  return outcomes;
}

/** Each of the calls that were to fail has failed: a matrix whose faults meet nothing shows nothing. */
export function assertMet(outcomes: readonly Outcome[]): void {
  const callOf = ({ cell }: Outcome): string => cell.slice(0, cell.indexOf(' '));
  const met = new Set(outcomes.filter(({ hits }) => hits > 0).map(callOf));
  assert.deepEqual(
    [...new Set(outcomes.map(callOf))].filter(call => !met.has(call)),
    [],
  );
}

async function attempt(
  faults: Faults,
  cell: FaultCell,
  { operation, check, end }: Attempted,
): Promise<Outcome & { readonly failure: string | undefined }> {
  const name = nameOf(cell);
  const fault = faults.inject(...cell);
  const error = await errorOf(operation);
  fault[Symbol.dispose]();
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const outcome = { cell: name, hits: fault.hits, code };
  const when = `${name} (${code ?? 'done'})`;
  const steps: Record<string, () => Promise<void>> = {
    [`what came of ${when}`]: async () => check?.(error === undefined),
    [`after ${when}`]: operation,
    [`what came of it after ${when}`]: async () => check?.(true),
    [`the end after ${when}`]: async () => end?.(),
  };
  let failure = error === undefined || isKnown(code) ? undefined : `${name}: ${error.stack}`;
  for (const [step, take] of Object.entries(steps)) {
    const found = await errorOf(take);
    if (found !== undefined) failure ??= `${step}: ${found.stack}`;
  }
  return { ...outcome, failure };
}

async function errorOf(operation: () => Promise<void>): Promise<Error | undefined> {
  try {
    await operation();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** Whether a user may be given a code. */
function isKnown(code: string | undefined): boolean {
  if (code === undefined || code === 'ERR_IOLITE_INVARIANT') return false;
  return code in constants.errno || code.startsWith('ERR_IOLITE_');
}

/** As in `read EIO skip=1`. */
function nameOf([call, rule]: FaultCell): string {
  const parts = Object.entries(rule).map(([name, value]) => (name === 'error' ? value : `${name}=${value}`));
  return [call, ...parts].join(' ');
}
