import { fieldOf, type HeaderList, without } from '../../message/header-list.ts';

const CACHE_STATUS = new Set(['cache-status']);

/** Why a request went to the origin (RFC 9211, 2.2). */
export type ForwardReason =
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
export interface Handling {
  readonly hit?: boolean;
  readonly forwarded?: ForwardReason | undefined;
  /** The status of the origin, where it is not that of the answer. */
  readonly forwardedStatus?: number | undefined;
  readonly stored?: boolean;
  /** Why it is not stored, although it may be. */
  readonly refusal?: string | undefined;
  /** Whether it waited for what another request had asked for. */
  readonly collapsed?: boolean | undefined;
  /** Seconds that it is fresh; negative ones that it is stale. */
  readonly ttl?: number | undefined;
}

/** Fields with Cache-Status (RFC 9211), behind what caches nearer to the origin say. */
export function withStatus(headers: HeaderList, handled: Handling): string[] {
  const status = statusBehind(fieldOf(headers, 'cache-status'), handled);
  return [...without(headers, CACHE_STATUS), 'Cache-Status', status];
}

/** The value of Cache-Status. @param before what caches nearer to the origin say */
export function statusBehind(before: string | undefined, handled: Handling): string {
  const own = describeHandling(handled);
  return before === undefined ? own : `${before}, ${own}`;
}

function describeHandling(handled: Handling): string {
  const { hit, forwarded, forwardedStatus, stored, refusal, collapsed, ttl } = handled;
  return [
    'iolite',
    ...(hit ? ['hit'] : []),
    ...(forwarded === undefined ? [] : [`fwd=${forwarded}`]),
    ...(forwardedStatus === undefined ? [] : [`fwd-status=${forwardedStatus}`]),
    ...(stored ? ['stored'] : []),
    ...(refusal === undefined ? [] : ['stored=?0', `detail=${refusal}`]),
    ...(collapsed ? ['collapsed'] : []),
    ...(ttl === undefined ? [] : [`ttl=${Math.floor(ttl)}`]),
  ].join('; ');
}
