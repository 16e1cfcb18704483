import * as v from 'valibot';
import { POLICY_NAMES } from '../../../store/policies/index.ts';
import { isInspectorToken, LEAST_TOKEN_CHARACTERS } from '../inspect/inspector-address.ts';
import { networkAddress, observationAddress } from '../observe/observation-address.ts';
import { MAX_WORKERS } from './app-schema.ts';
import { ClusterSchema } from './cluster-schema.ts';
import { contentEntries, HostsSchema } from './content-schema.ts';
import { ListenSchema } from './listen-schema.ts';
import { duration, integer, MAX_PORT, needed, setting, settings, text } from './schema-parts.ts';
import { TlsSchema } from './tls-schema.ts';

export const MAX_BUDGET_MIB = 1024 ** 2;
/** An hour: nobody waits longer for an end. */
const MAX_DRAIN_MS = 3600_000;

const LimitsSchema = settings({
  headersTimeout: setting(duration(0), 'for the head of a request (30 s)'),
  requestTimeout: setting(duration(0), 'for a request with its body (5 min)'),
  keepAliveTimeout: setting(duration(0), 'between two requests on a connection (5 s)'),
  idleTimeout: setting(duration(0), 'for a connection on which nothing moves (2 min)'),
  maxHeaderSize: setting(integer(1024, 1024 ** 2), "bytes of a request's head (16 KiB)"),
  maxConnections: setting(integer(1, 2 ** 31), 'connections at a time, a worker'),
});

const DrainSchema = settings({
  delay: setting(
    duration(0, MAX_DRAIN_MS),
    'for which connections are accepted after SIGTERM, and /ready says 503 (0)',
  ),
  time: setting(duration(0, MAX_DRAIN_MS), 'that answers under way have then to end (10 s)'),
});

/** In the network. @param example of an address */
function address(example: string) {
  return v.pipe(
    text,
    v.check(
      given => networkAddress(given) !== undefined,
      ({ received }) => `an address as '${example}' is wanted, ${received} was given`,
    ),
  );
}

const InspectSchema = v.union([
  address('127.0.0.1:9465'),
  settings({
    address: setting(address('127.0.0.1:9465'), 'where it listens (127.0.0.1:9465, or another port)'),
    token: setting(
      v.pipe(
        text,
        v.check(isInspectorToken, `${LEAST_TOKEN_CHARACTERS} letters or digits or more are wanted`),
      ),
      'that who looks has to know (IOLITE_INSPECT_TOKEN of the environment; where other machines reach it ' +
        'one is made, and said at the start)',
    ),
  }),
]);

/** All that `iolite serve` can be told by a file. */
export const SettingsSchema = settings({
  $schema: setting(text, 'where an editor finds what can be said: node_modules/iolite/settings.schema.json'),
  host: setting(text, 'name or address to listen on (HOST of the environment, or 127.0.0.1)'),
  port: setting(integer(0, MAX_PORT), 'port, 0 for one that is free (PORT of the environment, or 8080)'),
  listen: setting(
    ListenSchema,
    "Unix socket to listen on, 'unix:/run/site.sock' or path, mode, user, group; or several. " +
      'Besides no port, unless that is set',
  ),
  workers: setting(integer(1, MAX_WORKERS), 'processes (one a processor, as a container allows)'),
  budget: setting(integer(1, MAX_BUDGET_MIB), 'MiB for content (a quarter of the memory, at most 1024)'),
  cachePolicy: setting(v.picklist(POLICY_NAMES), 'what leaves a cache that is full (gdsf)'),
  confine: setting(v.boolean(), 'whether workers open only what they serve (true)'),
  ...contentEntries,
  hosts: setting(
    HostsSchema,
    "for some hosts what is served in place of that, by name or '*.': root, site, app, origin, proxy, " +
      'headers, cors, rules, tls',
  ),
  tls: setting(TlsSchema, 'serves HTTPS, and HTTP/2'),
  limits: setting(LimitsSchema, 'bounds on what clients may ask for'),
  cluster: setting(
    ClusterSchema,
    'other machines, which forget together what one has forgotten of origins: needs NATS (none)',
  ),
  drain: setting(DrainSchema, 'how it ends'),
  health: setting(
    v.boolean(),
    'whether /health and /ready are answered before all else ' +
      '(true where nothing but files is served, and no file has one of these names)',
  ),
  metrics: setting(
    v.pipe(
      text,
      v.check(
        given => observationAddress(given) !== undefined,
        ({ received }) =>
          `an address as '127.0.0.1:9464' or 'unix:/run/metrics.sock' is wanted, ${received} was given`,
      ),
    ),
    'address where /metrics (for Prometheus), /health and /ready are, apart from what is served',
  ),
  inspect: setting(
    InspectSchema,
    'a page that shows what the server does, live, apart from what is served: its address, or more (none)',
  ),
  pidFile: setting(
    text,
    'that has the number of the process, for as long as it lives, and is locked by it (none)',
  ),
  log: setting(
    settings({
      file: needed(text, 'which is appended to; - for standard output'),
      format: setting(v.picklist(['combined', 'json']), 'how lines are (combined)'),
    }),
    'log of the answers',
  ),
});

/**
 * What `iolite serve` does, by its file and its flags. Paths are absolute, or relative to the working
 * directory.
 */
export type ServeConfig = v.InferOutput<typeof SettingsSchema>;
