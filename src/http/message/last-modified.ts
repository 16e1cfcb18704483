import { isTellingDate } from '../../file/version/telling-date.ts';
import { parseHttpDate } from './http-date.ts';

/**
 * Whether a value of Last-Modified is a date, and yet none that tells one version from another: see
 * {@link isTellingDate}. Such a one is no validator.
 * @param now milliseconds since the epoch, by the clock that the date was made by
 */
export function saysNothing(lastModified: string, now: number): boolean {
  const date = parseHttpDate(lastModified);
  return date !== undefined && !isTellingDate(date, now);
}
