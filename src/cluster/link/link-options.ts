import type { Pool } from '../../aggregate/pool.ts';
import { checkPool } from '../../aggregate/stream/stream-options.ts';
import { ArgumentError, checkInteger, checkOptionNames, describe, optionNames } from '../../base/error.ts';
import { DEFAULT_QUOTAS, type Quotas, quotasOf } from '../../ipc/wire/quotas.ts';

/** What this machine takes of the peer of a link, and how long it believes in one that is silent. */
export interface LinkOptions
  extends Partial<Pick<Quotas, 'maxMessages' | 'maxHeadBytes' | 'maxBodyBytes' | 'maxStreams'>> {
  /**
   * Where what the peer sends is copied to: its ACL says who may be given it here. What finds it full fails
   * with ERR_IOLITE_LIMIT. Default: a pool of all links, without a limit, for processes of our own user.
   */
  readonly pool?: Pool;
  /**
   * Milliseconds after which a side that has nothing to say says so. One that is silent for three of them is
   * taken for gone. Default 2000.
   */
  readonly heartbeat?: number;
}

/** The options, each with a value, but for the pool. */
export interface CheckedLinkOptions {
  readonly quotas: Quotas;
  readonly pool: Pool | undefined;
  readonly heartbeatMs: number;
}

export const LINK_OPTION_NAMES = {
  maxMessages: true,
  maxHeadBytes: true,
  maxBodyBytes: true,
  maxStreams: true,
  pool: true,
  heartbeat: true,
} as const;

const NAMES = optionNames<LinkOptions>(LINK_OPTION_NAMES);
/** What comes over a link is copied: a body of any length would be memory of any size. */
const DEFAULT_BODY_BYTES = 64 * 1024 ** 2;
/** Each may have four megabytes here that nobody reads. */
const DEFAULT_STREAMS = 128;
const DEFAULT_HEARTBEAT_MS = 2000;
/** A peer that is asked for less, or allowed more, would be no peer. */
export const LEAST_HEARTBEAT_MS = 50;
export const MOST_HEARTBEAT_MS = 60_000;

/** @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
export function checkedLinkOptions(options: LinkOptions, names = NAMES): CheckedLinkOptions {
  if (typeof options !== 'object' || options === null)
    throw new ArgumentError(`Cannot open link: options are wanted, ${describe(options)} was given`);
  checkOptionNames(options, names, 'open link');
  const { maxBodyBytes = DEFAULT_BODY_BYTES, maxStreams = DEFAULT_STREAMS } = options;
  const { maxMessages = DEFAULT_QUOTAS.maxMessages, maxHeadBytes = DEFAULT_QUOTAS.maxHeadBytes } = options;
  const { pool, heartbeat = DEFAULT_HEARTBEAT_MS } = options;
  if (pool !== undefined) checkPool(pool, 'open link');
  checkInteger(heartbeat, 'heartbeat', LEAST_HEARTBEAT_MS, MOST_HEARTBEAT_MS);
  const quotas = quotasOf({ maxMessages, maxHeadBytes, maxBodyBytes, maxStreams });
  return { quotas, pool, heartbeatMs: heartbeat };
}
