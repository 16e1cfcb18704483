import type { Pool } from '../../aggregate/pool.ts';
import { ArgumentError, checkOptionNames, describe, optionNames } from '../../base/error.ts';
import { ChunkPool } from '../../memory/chunk-pool.ts';
import { defaultBudget } from '../../store/governor/default-budget.ts';
import { createPolicy, DEFAULT_POLICY, type PolicyName } from '../../store/policies/index.ts';
import type { CachePolicy } from '../../store/policy.ts';
import { GROUP_FIELDS, type GroupField } from './cache/groups.ts';
import { checkCluster, type ProxyClusterOptions } from './cluster/proxy-cluster.ts';
import type { ProxyOriginOptions } from './origin/create-origin.ts';
import type { ForwardingOptions } from './origin/forwarding-options.ts';
import { checkPurge, type PurgeOptions } from './purge.ts';

/** Options of {@link createProxy}. */
export interface ProxyOptions extends ProxyOriginOptions, ForwardingOptions, ProxyClusterOptions {
  /** The server behind: scheme, host and port. Or a bucket of an object store: s3://bucket/prefix. */
  readonly origin: string | URL;
  /**
   * Bytes of memory that responses are kept in; 0 keeps none. Default: a quarter of the memory there is, in a
   * container of what it allows, less where processes need it, and at most 256 MiB.
   */
  readonly budget?: number;
  /** Whether it makes do with less while memory is short: as a file cache's. Default true. */
  readonly govern?: boolean;
  /** Who leaves when the budget is spent: by name, or a policy of one's own. Default 'gdsf'. */
  readonly policy?: PolicyName | CachePolicy;
  /** Where responses are kept. Default: a pool of its own, for processes of the same user. */
  readonly pool?: Pool;
  /**
   * Whether a response with Set-Cookie that says `public` or `s-maxage` is kept, and its cookies are given to
   * all who ask. Default: false, what sets cookies is not kept, whatever else it says.
   */
  readonly storeCookies?: boolean;
  /**
   * Fields, besides Cache-Groups (RFC 9875), whose names are groups to forget responses by: what Fastly and
   * Varnish call Surrogate-Key, and Cloudflare Cache-Tag. They go no further then. Default: none.
   */
  readonly groupFields?: readonly GroupField[];
  /**
   * Who may have responses forgotten by requests: PURGE. Default: nobody, it is for the origin as other
   * methods are.
   */
  readonly purge?: PurgeOptions;
}

const NAMES = optionNames<ProxyOptions>({
  origin: true,
  budget: true,
  govern: true,
  policy: true,
  pool: true,
  storeCookies: true,
  groupFields: true,
  purge: true,
  cluster: true,
  onPartition: true,
  collapse: true,
  warm: true,
  warmRate: true,
  warmTimeout: true,
  trustForwarded: true,
  host: true,
  connections: true,
  queueTimeout: true,
  maxQueue: true,
  maxStreams: true,
  longAfter: true,
  connectTimeout: true,
  headersTimeout: true,
  bodyTimeout: true,
  eventTimeout: true,
  complain: true,
  s3: true,
});
const MAX_DEFAULT_BUDGET_BYTES = 256 * 1024 ** 2;
/** What is not said is as by default. @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
export function checkProxyOptions(options: unknown) {
  if (typeof options !== 'object' || options === null)
    throw new ArgumentError(`Cannot create proxy: options are wanted, ${describe(options)} was given`);
  checkOptionNames(options, NAMES, 'create proxy');
  const { policy = DEFAULT_POLICY, pool, govern = true } = options as ProxyOptions;
  const { storeCookies = false, groupFields = [], purge } = options as ProxyOptions;
  checkPurge(purge);
  if (!Array.isArray(groupFields) || !groupFields.every(field => GROUP_FIELDS.includes(field)))
    throw new ArgumentError(`Cannot create proxy: groupFields are ${GROUP_FIELDS.join(' and ')} at most`);
  const { budget = defaultBudget({ most: MAX_DEFAULT_BUDGET_BYTES }) } = options as ProxyOptions;
  if (pool !== undefined && !(pool?.chunks instanceof ChunkPool))
    throw new ArgumentError(`Cannot create proxy: a pool is wanted, ${describe(pool)} was given`);
  const settings = { govern, storeCookies, groupFields, purge, ...checkCluster(options as ProxyOptions) };
  return { budget, policy: createPolicy(policy, budget), pool, ...settings };
}
