import ms from 'ms';
import { ArgumentError, describe } from '../../base/error.ts';

/** A year: who wants longer means for good. */
export const MAX_AGE_MS = 365 * 24 * 3600 * 1000;

/** Milliseconds that a number or a text as '1 day' means; undefined when it means none. */
export function durationOf(given: unknown): number | undefined {
  const milliseconds = typeof given === 'string' && given !== '' ? ms(given as ms.StringValue) : given;
  return typeof milliseconds === 'number' && milliseconds >= 0 ? milliseconds : undefined;
}

/**
 * Cache-Control of what clients and caches may keep, a year at most.
 * @param maxAge milliseconds, or a text as '1 day'
 * @param immutable whether it does not change within that
 * @throws ERR_IOLITE_ARGUMENT
 */
export function publicFor(maxAge: number | string, immutable: boolean): string {
  const milliseconds = durationOf(maxAge);
  if (milliseconds === undefined) {
    throw new ArgumentError(
      `Cannot use maxAge: milliseconds or a text as '1 day' are wanted, ${describe(maxAge)} was given`,
    );
  }
  const seconds = Math.floor(Math.min(milliseconds, MAX_AGE_MS) / 1000);
  return `public, max-age=${seconds}${immutable ? ', immutable' : ''}`;
}
