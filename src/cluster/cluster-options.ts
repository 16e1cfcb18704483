import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { NatsConnection } from '@nats-io/transport-node';
import { MAX_TIMEOUT_MS } from '../base/deadlines.ts';
import { ArgumentError, checkInteger, checkOptionNames, describe, optionNames } from '../base/error.ts';
import { isPullAddress } from './pull-address.ts';

/** Options of {@link joinCluster}. */
export interface ClusterOptions {
  /** Names the cluster among all that use the same NATS: letters, digits, `-` and `_`, 32 at most. */
  readonly name: string;
  /**
   * Where NATS is, one address or several: `nats://10.0.0.1:4222`, `tls://user:password@nats.example`. Either
   * these or a connection.
   */
  readonly servers?: string | readonly string[] | undefined;
  /** A connection of the program's own, which stays open when the cluster is closed. */
  readonly connection?: NatsConnection | undefined;
  /**
   * Names this machine: letters, digits, `-` and `_`, 64 at most. No two that live may have one name: who
   * takes that of one that was killed waits until it has aged out, 15 seconds. Default: the host's name and
   * eight random digits.
   */
  readonly machine?: string | undefined;
  /**
   * Where other machines get contents from this one: `http://10.0.0.7:9080`, an address of this machine and a
   * port that nothing else listens on. Only machines that know the secret are answered. What is said there is
   * not encrypted: a network of the machines' own is wanted. Default: this machine only takes.
   */
  readonly advertise?: string | undefined;
  /**
   * Signs what machines ask of each other, and how links begin: 16 characters at least, the same on all.
   * Default: none is asked for contents, and nobody is answered; and links believe what a machine says it is.
   */
  readonly secret?: string | undefined;
  /** Copies of what NATS keeps for the cluster, each on a server of its own: 1, 3 or 5. Default 1. */
  readonly replicas?: number | undefined;
  /**
   * Milliseconds without a word of the log of invalidations after which this machine takes itself for cut
   * off. Default 5000.
   */
  readonly maxLag?: number | undefined;
  /** Milliseconds that what is asked of NATS may take, retries included. Default 10,000. */
  readonly timeout?: number | undefined;
  /** Told, in a sentence, what goes wrong and is tried again. Default: a warning of the process. */
  readonly complain?: ((message: string) => void) | undefined;
}

/** The options, each with a value. */
export interface CheckedOptions {
  readonly name: string;
  readonly servers: readonly string[];
  readonly connection: NatsConnection | undefined;
  readonly machine: string;
  readonly advertise: string | undefined;
  readonly secret: string | undefined;
  readonly replicas: number;
  readonly maxLag: number;
  readonly timeout: number;
  readonly complain: (message: string) => void;
}

const NAMES = optionNames<ClusterOptions>({
  name: true,
  servers: true,
  connection: true,
  machine: true,
  advertise: true,
  secret: true,
  replicas: true,
  maxLag: true,
  timeout: true,
  complain: true,
});
/** What may stand in a subject and in the name of a stream. */
const NAME = /^[A-Za-z0-9_-]+$/;
const MAX_NAME_CHARACTERS = 32;
const MAX_MACHINE_CHARACTERS = 64;
const LEAST_SECRET_CHARACTERS = 16;
const SCHEMES = new Set(['nats:', 'tls:']);
const REPLICAS = [1, 3, 5];
/** Two heartbeats of the log, which come each second, and some. */
const LEAST_LAG_MS = 2500;
/** Later than this others take this machine for gone. */
const MOST_LAG_MS = 10_000;
const DEFAULT_LAG_MS = 5000;
const DEFAULT_TIMEOUT_MS = 10_000;

/** @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
export function checkedClusterOptions(options: unknown): CheckedOptions {
  if (typeof options !== 'object' || options === null)
    throw new ArgumentError(`Cannot join cluster: options are wanted, ${describe(options)} was given`);
  checkOptionNames(options, NAMES, 'join cluster');
  const { name, connection, machine = ownName(), replicas = 1 } = options as ClusterOptions;
  const { maxLag = DEFAULT_LAG_MS, timeout = DEFAULT_TIMEOUT_MS } = options as ClusterOptions;
  const { complain = (message: string) => process.emitWarning(message) } = options as ClusterOptions;
  checkName(name, 'name', MAX_NAME_CHARACTERS);
  checkName(machine, 'machine', MAX_MACHINE_CHARACTERS);
  const { advertise, secret } = options as ClusterOptions;
  checkPulls(advertise, secret);
  if (!REPLICAS.includes(replicas))
    throw new ArgumentError(`Cannot join cluster: replicas are 1, 3 or 5, ${describe(replicas)} was given`);
  checkInteger(maxLag, 'maxLag', LEAST_LAG_MS, MOST_LAG_MS);
  checkInteger(timeout, 'timeout', 1, MAX_TIMEOUT_MS);
  if (typeof complain !== 'function')
    throw new ArgumentError(`Cannot join cluster: complain is a function, ${describe(complain)} was given`);
  const servers = checkedServers(options as ClusterOptions);
  return { name, servers, connection, machine, advertise, secret, replicas, maxLag, timeout, complain };
}

function checkName(name: unknown, what: string, most: number): void {
  if (typeof name === 'string' && NAME.test(name) && name.length <= most) return;
  throw new ArgumentError(
    `Cannot join cluster: ${what} is ${most} letters, digits, - and _ at most, ${describe(name)} was given`,
  );
}

function checkPulls(advertise: unknown, secret: unknown): void {
  if (advertise !== undefined && !isPullAddress(advertise))
    throw new ArgumentError(
      'Cannot join cluster: advertise is an address such as http://10.0.0.7:9080, ' +
        `${describe(advertise)} was given`,
    );
  if (secret === undefined) return;
  if (typeof secret === 'string' && secret.length >= LEAST_SECRET_CHARACTERS) return;
  throw new ArgumentError(
    `Cannot join cluster: a secret of ${LEAST_SECRET_CHARACTERS} characters at least is wanted`,
  );
}

function checkedServers({ servers, connection }: ClusterOptions): readonly string[] {
  if ((servers === undefined) === (connection === undefined))
    throw new ArgumentError('Cannot join cluster: either servers or a connection is wanted');
  if (connection !== undefined) {
    if (typeof connection?.request === 'function' && typeof connection.subscribe === 'function') return [];
    throw new ArgumentError(
      `Cannot join cluster: a connection to NATS is wanted, ${describe(connection)} was given`,
    );
  }
  const list: readonly unknown[] = Array.isArray(servers) ? servers : [servers];
  if (list.length > 0 && list.every(isServer)) return list as readonly string[];
  throw new ArgumentError(
    `Cannot join cluster: servers are addresses such as nats://10.0.0.1:4222, ${describe(servers)} was given`,
  );
}

function isServer(address: unknown): boolean {
  if (typeof address !== 'string' || !URL.canParse(address)) return false;
  const { protocol, hostname: host, pathname } = new URL(address);
  return SCHEMES.has(protocol) && host !== '' && (pathname === '' || pathname === '/');
}

function ownName(): string {
  const host = hostname().replaceAll(/[^A-Za-z0-9_-]/g, '-');
  return `${host.slice(0, MAX_MACHINE_CHARACTERS - 9)}-${randomBytes(4).toString('hex')}`;
}
