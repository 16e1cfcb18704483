import { abortable } from '../base/abortable.ts';
import { IoliteError } from '../base/error.ts';
import type { GetOrSetOptions, MakeContext } from './shared-cache-options.ts';
import type { Cacheable } from './value.ts';
import type { KeepOptions } from './value-facts.ts';

const DEFAULT_TIMEOUT_MS = 30_000;

/** Gives the value of a key. */
export type Maker = (key: string, context: MakeContext) => Cacheable | Promise<Cacheable>;

/** Milliseconds that making may take. */
export function timeoutOf({ timeout = DEFAULT_TIMEOUT_MS }: GetOrSetOptions): number {
  return timeout;
}

/** A value that was made. */
export interface Made {
  readonly value: Cacheable;
  readonly keep: KeepOptions;
}

/**
 * Has a value made, which may take a while.
 * @throws what the maker throws; ERR_IOLITE_TIMEOUT; the signal's reason
 * @param gaveUp called when it was not the maker that failed: another one may try
 */
export async function makeValue(
  key: string,
  make: Maker,
  options: GetOrSetOptions,
  gaveUp: () => void,
): Promise<Made> {
  const { timeout: _, signal: given, ...said } = options;
  const timeout = timeoutOf(options);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(lateError(timeout)), timeout);
  const signal = given === undefined ? late.signal : AbortSignal.any([given, late.signal]);
  let kept: KeepOptions = said;
  const keep = (instead: KeepOptions): void => {
    kept = instead;
  };
  try {
    const value = await abortable(Promise.resolve(make(key, { signal, keep })), signal);
    return { value, keep: kept };
  } catch (error) {
    if (signal.aborted) gaveUp();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function lateError(timeout: number): IoliteError {
  return new IoliteError('ERR_IOLITE_TIMEOUT', `Cannot make value: it took longer than ${timeout} ms`);
}
