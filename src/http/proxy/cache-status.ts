/** Why a request went to the origin (RFC 9211, 2.2). */
export type Forwarded =
  /** The cache has no part in it. */
  | 'bypass'
  | 'method'
  | 'uri-miss'
  | 'vary-miss'
  /** What is stored was stale. */
  | 'stale'
  /** The request asked for it. */
  | 'request'
  /** A part was asked for, and the whole is not stored. */
  | 'partial';

/** What Cache-Status tells of how a request was dealt with. */
export interface Handled {
  readonly hit?: boolean;
  readonly forwarded?: Forwarded | undefined;
  /** The status of the origin, where it is not that of the answer. */
  readonly forwardedStatus?: number | undefined;
  readonly stored?: boolean;
  /** Whether it waited for what another request had asked for. */
  readonly collapsed?: boolean | undefined;
  /** Seconds that it is fresh; negative ones that it is stale. */
  readonly ttl?: number | undefined;
}

/** The value of Cache-Status (RFC 9211), behind that of caches nearer to the origin. */
export function cacheStatus(before: string | undefined, handled: Handled): string {
  const { hit, forwarded, forwardedStatus, stored, collapsed, ttl } = handled;
  const parameters = [
    'iolite',
    ...(hit ? ['hit'] : []),
    ...(forwarded === undefined ? [] : [`fwd=${forwarded}`]),
    ...(forwardedStatus === undefined ? [] : [`fwd-status=${forwardedStatus}`]),
    ...(stored ? ['stored'] : []),
    ...(collapsed ? ['collapsed'] : []),
    ...(ttl === undefined ? [] : [`ttl=${Math.floor(ttl)}`]),
  ].join('; ');
  return before === undefined ? parameters : `${before}, ${parameters}`;
}
