import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { unixPathOf } from '../../os/unix-address.ts';
import { DEFAULT_POLICY, POLICY_NAMES, type PolicyName } from '../../store/policies/index.ts';
import { complain, setComplaintFormat, setNoticeFormat } from '../complain.ts';
import { integerArgument } from '../integer-argument.ts';
import { UserError } from '../user-error.ts';
import { checkSettings } from './check-settings.ts';
import { inspectorOptions } from './inspect/inspector-address.ts';
import { withAbsolutePath } from './listen/unix-place.ts';
import { observationAddress } from './observe/observation-address.ts';
import { serve } from './serve.ts';
import { environmentConfig, readConfig } from './serve-config.ts';
import { MAX_WORKERS } from './settings/app-schema.ts';
import { MAX_PORT } from './settings/schema-parts.ts';
import { MAX_BUDGET_MIB, type ServeConfig } from './settings/settings-schema.ts';

/** The port that Prometheus' list of ports has for exporters of OpenTelemetry. */
const DEFAULT_METRICS = '127.0.0.1:9464';

/** What the command line says. */
interface Flags {
  readonly config?: string;
  readonly port?: number;
  readonly host?: string;
  readonly listen?: readonly string[];
  readonly workers?: number;
  readonly budget?: number;
  readonly cachePolicy?: PolicyName;
  readonly app?: string;
  readonly appWorkers?: number;
  readonly origin?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsSelfSigned?: true;
  readonly log?: string;
  readonly logFormat?: 'combined' | 'json';
  readonly confine: boolean;
  readonly listing?: true;
  readonly spa?: string | true;
  readonly pidFile?: string;
  readonly check?: true;
  readonly metrics?: string | true;
  readonly inspect?: string | true;
  readonly cluster?: string;
}

const LOG_FORMAT = new Option('--log-format <name>', 'how its lines are (default: combined)').choices([
  'combined',
  'json',
]);
const CLUSTER = new Option(
  '--cluster <url>',
  'NATS, as nats://10.0.0.1:4222: machines that have the same forget together what origins answered',
);

/** Adds `iolite serve` to the program. */
export function defineServe(program: Command): void {
  program
    .command('serve')
    .description(
      'Serve the files of a directory over HTTP from several processes and one copy in memory.\n' +
        'Names that begin with a dot are not served.',
    )
    .argument('[dir]', 'the directory')
    .option('-c, --config <file>', 'settings (default: iolite.config.json, if there is one)')
    .option(
      '-p, --port <n>',
      'port, 0 for one that is free (default: PORT of the environment; 8080, or a free one)',
      integerArgument(0, MAX_PORT),
    )
    .option(
      '--host <h>',
      'name or address to listen on (default: HOST of the environment, 127.0.0.1)',
      hostName,
    )
    .option(
      '--listen <unix:path>',
      'Unix socket to listen on, in place of a port that is not set; may be said several times',
      unixAddress,
    )
    .option(
      '-w, --workers <n>',
      'processes (default: one a core, as a container allows)',
      integerArgument(1, MAX_WORKERS),
    )
    .option(
      '-b, --budget <MiB>',
      'memory for file content (default: a quarter of what a container or the machine has, at most 1024)',
      integerArgument(1, MAX_BUDGET_MIB),
    )
    .addOption(
      new Option(
        '--cache-policy <name>',
        `what leaves a cache that is full (default: ${DEFAULT_POLICY})`,
      ).choices(POLICY_NAMES),
    )
    .option('--app <module>', 'application that answers what no file does, in processes of its own')
    .option('--app-workers <n>', 'processes of the application (default: 1)', integerArgument(1, MAX_WORKERS))
    .option('--origin <url>', 'server behind, whose answers are kept as HTTP allows: a reverse proxy')
    .option('--tls-cert <file>', 'certificate, PEM: serves HTTPS and HTTP/2')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--tls-self-signed', 'HTTPS with a certificate that is made for this machine: to develop with')
    .option('--log <file>', 'log of the answers, which is appended to; - for standard output')
    .addOption(LOG_FORMAT)
    .option(
      '--metrics [address]',
      'address where /metrics, for Prometheus, /health and /ready are (default: 127.0.0.1:9464)',
    )
    .option(
      '--inspect [address]',
      'address of a page that shows what the server does, live (default: 127.0.0.1:9465)',
    )
    .addOption(CLUSTER)
    .option('--pid-file <file>', 'file that has the number of this process, for as long as it lives')
    .option('--no-confine', 'let workers open any file, not only those that they serve')
    .option('--listing', 'list directories without an index file')
    .option('--spa [file]', 'page that answers navigations to what is not there (default: index.html)')
    .option('--check', 'check the settings and what they refer to, and serve nothing: one line a fault')
    .action(async (directory: string | undefined, flags: Flags, command: Command) => {
      process.exitCode = await run(directory, flags, command);
    });
}

/** @returns the exit code */
async function run(directory: string | undefined, flags: Flags, command: Command): Promise<number> {
  // A reader of our output that is gone is no reason to stop serving.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  const read = async (): Promise<ServeConfig> => {
    const file = await readConfig(flags.config);
    const config = withFlags({ ...environmentConfig(process.env), ...file }, directory, flags);
    checkContent(config, command);
    speakAs(config);
    return config;
  };
  if (flags.logFormat === 'json') setComplaintFormat('json');
  try {
    if (flags.check !== true) return await serve(read);
    await checkSettings(await read());
    console.log('The settings can be used');
    return 0;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    for (const fault of flags.check === true ? error.faults : [error.message]) complain(fault);
    return 1;
  }
}

/** Who reads the log as JSON reads all else that comes out of there as JSON. */
function speakAs({ log }: ServeConfig): void {
  const { file, format = 'combined' } = log ?? {};
  setComplaintFormat(format === 'json' ? 'json' : 'text');
  setNoticeFormat(format === 'json' && file === '-' ? 'json' : 'text');
}

/** Ends with the usage where nothing is to be served. */
function checkContent({ root, app, origin, rules, hosts }: ServeConfig, command: Command): void {
  if ([root, app, origin, rules, hosts].every(each => each === undefined)) {
    command.error("error: missing required argument 'dir' (or --app, --origin, or a file of settings)");
  }
}

/** A configuration as the command line changes it. @throws UserError */
function withFlags(config: ServeConfig, directory: string | undefined, flags: Flags): ServeConfig {
  const { host, port, listen, workers, budget, cachePolicy, origin, listing, spa } = flags;
  const { app, appWorkers, tlsCert, tlsKey, log, logFormat, confine } = flags;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new UserError('Cannot serve HTTPS: --tls-cert and --tls-key are wanted together');
  }
  if (tlsCert !== undefined && flags.tlsSelfSigned === true) {
    throw new UserError('Cannot serve HTTPS: --tls-cert or --tls-self-signed is wanted, both were given');
  }
  // A variable that is not set, most likely: it does not mean where we are.
  if (directory === '') throw new UserError('Cannot serve : there is no such directory');
  const module = app === undefined ? config.app?.module : resolve(app);
  if (appWorkers !== undefined && module === undefined) {
    throw new UserError('Cannot use --app-workers: there is no application; --app names one');
  }
  const file = log ?? config.log?.file;
  if (logFormat !== undefined && file === undefined) {
    throw new UserError('Cannot use --log-format: there is no log; --log names one');
  }
  const given = {
    root: directory,
    host,
    port,
    listen: listen as ServeConfig['listen'],
    workers,
    budget,
    cachePolicy,
    origin,
    confine: confine ? undefined : false,
    pidFile: flags.pidFile === undefined ? undefined : resolve(flags.pidFile),
    cluster: clusterOf(config, flags),
    metrics: metricsOf(flags),
    inspect: inspectOf(config, flags),
    tls: tlsOf(config, flags),
    app:
      module === undefined
        ? undefined
        : { ...config.app, module, ...withoutUndefined({ workers: appWorkers }) },
    log: file === undefined ? undefined : { ...config.log, file, ...withoutUndefined({ format: logFormat }) },
    site: { ...config.site, ...withoutUndefined({ listing, fallback: spa === true ? 'index.html' : spa }) },
  };
  return { ...config, ...withoutUndefined(given) };
}

/** @throws UserError */
function clusterOf({ cluster: said }: ServeConfig, { cluster: servers }: Flags): ServeConfig['cluster'] {
  if (servers === undefined) return undefined;
  if (/^(nats|tls):\/\/[^/\s]+\/?$/.test(servers)) return { ...said, servers };
  throw new UserError(`Cannot join cluster at ${servers}: an address as nats://10.0.0.1:4222 is wanted`);
}

/** @throws UserError */
function metricsOf({ metrics }: Flags): string | undefined {
  if (metrics === true) return DEFAULT_METRICS;
  if (metrics === undefined || observationAddress(metrics) !== undefined) return metrics;
  throw new UserError(
    `Cannot show metrics at ${metrics}: an address as ${DEFAULT_METRICS} or unix:/run/metrics.sock is wanted`,
  );
}

/** The token of the file holds, wherever the inspector is. @throws UserError */
function inspectOf({ inspect: said }: ServeConfig, { inspect }: Flags): ServeConfig['inspect'] {
  if (inspect === undefined) return undefined;
  const token = typeof said === 'object' ? withoutUndefined({ token: said.token }) : {};
  const setting = inspect === true ? token : { ...token, address: inspect };
  inspectorOptions(setting, {});
  return setting;
}

/** Certificates of the command line stand in place of those of the file; the rest of it holds. */
function tlsOf({ tls = {} }: ServeConfig, { tlsCert, tlsKey, tlsSelfSigned }: Flags): ServeConfig['tls'] {
  const { cert: _, key: __, passphrase: ___, ocsp: ____, certificates: _____, ...others } = tls;
  if (tlsCert !== undefined && tlsKey !== undefined) {
    return { ...others, selfSigned: false, cert: tlsCert, key: tlsKey };
  }
  return tlsSelfSigned === true ? { ...others, selfSigned: true } : undefined;
}

/** An object without what is undefined in it. */
function withoutUndefined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as never;
}

function unixAddress(text: string, before: readonly string[] = []): string[] {
  if (unixPathOf(text) !== undefined) return [...before, withAbsolutePath(text, '.') as string];
  throw new InvalidArgumentError('An address as unix:/run/site.sock is wanted.');
}

function hostName(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('A name or an address is wanted.');
}
