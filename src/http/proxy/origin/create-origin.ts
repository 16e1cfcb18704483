import { HttpOrigin, type OriginLimits } from './http-origin.ts';
import type { Origin } from './origin.ts';

/**
 * The origin at a URL, by its scheme: http and https today.
 * @throws ERR_IOLITE_ARGUMENT for what no origin is at
 */
export function createOrigin(url: string | URL, limits: OriginLimits): Origin {
  return new HttpOrigin(url, limits);
}
