import { ArgumentError, describe } from '../../base/error.ts';
import { durationOf, MAX_AGE_MS } from '../message/max-age.ts';
import type { FieldRecord } from '../rules/field-set.ts';

/** For how long browsers ask by HTTPS only, and whom (Strict-Transport-Security: RFC 6797). */
export interface HstsOptions {
  /** Milliseconds, or a text as '180 days'. Default: a year. */
  readonly maxAge?: number | string | undefined;
  /** Whether that holds for all names below as well. Default false. */
  readonly includeSubDomains?: boolean | undefined;
  /** Whether browsers may be shipped with it: that takes a year, and all names below. Default false. */
  readonly preload?: boolean | undefined;
}

/** What is wrong with it, for people; undefined when nothing is. */
export function troubleOfHsts({ maxAge = MAX_AGE_MS, ...options }: HstsOptions): string | undefined {
  const milliseconds = durationOf(maxAge);
  if (milliseconds === undefined) {
    return `milliseconds or a text as '180 days' are wanted as maxAge, ${describe(maxAge)} was given`;
  }
  const { includeSubDomains = false, preload = false } = options;
  const isListed = includeSubDomains && milliseconds >= MAX_AGE_MS;
  return preload && !isListed ? 'preload takes a maxAge of a year, and includeSubDomains' : undefined;
}

/**
 * Fields with Strict-Transport-Security, unless they have it. To be sent over TLS only (RFC 6797, 7.2).
 * @throws ERR_IOLITE_ARGUMENT
 */
export function withHsts(fields: FieldRecord = {}, hsts: HstsOptions | boolean = false): FieldRecord {
  const isSaid = Object.keys(fields).some(name => name.toLowerCase() === 'strict-transport-security');
  if (hsts === false || isSaid) return fields;
  const options = hsts === true ? {} : hsts;
  const trouble = troubleOfHsts(options);
  if (trouble !== undefined) throw new ArgumentError(`Cannot use hsts: ${trouble}`);
  const { maxAge = MAX_AGE_MS, includeSubDomains = false, preload = false } = options;
  const seconds = Math.floor((durationOf(maxAge) as number) / 1000);
  const more = `${includeSubDomains ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`;
  return { ...fields, 'Strict-Transport-Security': `max-age=${seconds}${more}` };
}
