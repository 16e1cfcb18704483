import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { complain } from '../complain.ts';
import { Failure } from '../user-error.ts';
import { serve } from './serve.ts';
import { readConfig, type ServeConfig } from './serve-config.ts';

const MAX_WORKERS = 256;
const MAX_BUDGET = 1024 ** 2;

/** What the command line says. */
interface Flags {
  readonly config?: string;
  readonly port?: number;
  readonly host?: string;
  readonly workers?: number;
  readonly budget?: number;
  readonly cachePolicy?: 'lru' | 'gds' | 's3fifo';
  readonly app?: string;
  readonly appWorkers?: number;
  readonly origin?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly log?: string;
  readonly logFormat?: 'combined' | 'json';
  readonly listing?: true;
  readonly spa?: string | true;
}

/** Adds `iolite serve` to the program. */
export function define(program: Command): void {
  program
    .command('serve')
    .description(
      'Serve the files of a directory over HTTP from several processes and one copy in memory.\n' +
        'Names that begin with a dot are not served. /_iolite shows the memory of each process.',
    )
    .argument('[dir]', 'the directory')
    .option('-c, --config <file>', 'settings (default: iolite.config.json, if there is one)')
    .option(
      '-p, --port <n>',
      'port, 0 for one that is free (default: 8080, or a free one)',
      integer(0, 65535),
    )
    .option('--host <h>', 'name or address to listen on (default: 127.0.0.1)', hostName)
    .option('-w, --workers <n>', 'processes (default: one a core)', integer(1, MAX_WORKERS))
    .option(
      '-b, --budget <MiB>',
      'memory for file content (default: a quarter of the memory, at most 1024)',
      integer(1, MAX_BUDGET),
    )
    .addOption(
      new Option('--cache-policy <name>', 'what leaves a cache that is full (default: lru)').choices([
        'lru',
        'gds',
        's3fifo',
      ]),
    )
    .option('--app <module>', 'application that answers what no file does, in processes of its own')
    .option('--app-workers <n>', 'processes of the application (default: 1)', integer(1, MAX_WORKERS))
    .option('--origin <url>', 'server behind, whose answers are kept as HTTP allows: a reverse proxy')
    .option('--tls-cert <file>', 'certificate, PEM: serves HTTPS and HTTP/2')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--log <file>', 'log of the answers, which is appended to; - for standard output')
    .addOption(
      new Option('--log-format <name>', 'how its lines are (default: combined)').choices([
        'combined',
        'json',
      ]),
    )
    .option('--listing', 'list directories without an index file')
    .option('--spa [file]', 'page that answers navigations to what is not there (default: index.html)')
    .action(async (directory: string | undefined, flags: Flags, command: Command) => {
      // A reader of our output that is gone is no reason to stop serving.
      process.stdout.on('error', () => {});
      process.stderr.on('error', () => {});
      try {
        process.exitCode = await serve(async () => {
          const config = withFlags(await readConfig(flags.config), directory, flags);
          if ([config.root, config.app, config.origin].every(each => each === undefined)) {
            command.error("error: missing required argument 'dir'");
          }
          if (config.app !== undefined && config.origin !== undefined) {
            throw new Failure(
              'Cannot serve an application and an origin: one of them answers what no file does',
            );
          }
          return config;
        });
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        complain(error.message);
        process.exitCode = 1;
      }
    });
}

/** A configuration as the command line changes it. @throws Failure */
function withFlags(config: ServeConfig, directory: string | undefined, flags: Flags): ServeConfig {
  const { host, port, workers, budget, cachePolicy, origin, listing, spa } = flags;
  const { app, appWorkers, tlsCert, tlsKey, log, logFormat } = flags;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new Failure('Cannot serve HTTPS: --tls-cert and --tls-key are wanted together');
  }
  const module = app === undefined ? config.app?.module : resolve(app);
  if (appWorkers !== undefined && module === undefined) {
    throw new Failure('Cannot use --app-workers: there is no application; --app names one');
  }
  const file = log ?? config.log?.file;
  if (logFormat !== undefined && file === undefined) {
    throw new Failure('Cannot use --log-format: there is no log; --log names one');
  }
  const given = {
    root: directory,
    host,
    port,
    workers,
    budget,
    cachePolicy,
    origin,
    tls: tlsCert === undefined || tlsKey === undefined ? undefined : { cert: tlsCert, key: tlsKey },
    app: module === undefined ? undefined : { ...config.app, module, ...defined({ workers: appWorkers }) },
    log: file === undefined ? undefined : { ...config.log, file, ...defined({ format: logFormat }) },
    site: { ...config.site, ...defined({ listing, fallback: spa === true ? 'index.html' : spa }) },
  };
  return { ...config, ...defined(given) };
}

/** An object without what is undefined in it. */
function defined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as never;
}

function integer(min: number, max: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`An integer from ${min} to ${max} is wanted.`);
  };
}

function hostName(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('A name or an address is wanted.');
}
