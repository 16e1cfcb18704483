import * as v from 'valibot';
import { MAX_TIMEOUT_MS } from '../../../base/deadlines.ts';
import { fastCgiAddressOf } from '../../../http/fastcgi/fastcgi-options.ts';
import { troubleOfSplit } from '../../../http/fastcgi/script-names.ts';
import { duration, integer, setting, settings, text } from './schema-parts.ts';

export const MAX_WORKERS = 256;

/** Settings that say something of one kind of application, and nothing of the other. */
const OF_MODULES = ['workers', 'hangTimeout', 'maxConcurrency'] as const;
const OF_FASTCGI = [
  'root',
  'index',
  'script',
  'split',
  'params',
  'connections',
  'idleTimeout',
  'connectTimeout',
  'bodyTimeout',
] as const;

/** An application in processes of its own, or a FastCGI responder. */
const AppSettings = settings({
  module: setting(text, 'its file; the default export is a handler, or has a fetch method'),
  fastcgi: setting(
    v.pipe(
      text,
      v.check(
        address => fastCgiAddressOf(address) !== undefined,
        ({ received }) => `unix:/path or host:port is wanted, ${received} was given`,
      ),
    ),
    'in place of a module a FastCGI responder: where it listens, as unix:/run/php/php-fpm.sock ' +
      'or 127.0.0.1:9000',
  ),
  root: setting(text, 'FastCGI: directory of the scripts (that of the files)'),
  index: setting(text, 'FastCGI: the script of a directory (index.php)'),
  script: setting(
    text,
    'FastCGI: the script that answers where a path names none, a front controller (none)',
  ),
  split: setting(
    v.pipe(
      text,
      v.rawCheck(({ dataset, addIssue }) => {
        const message = dataset.typed ? troubleOfSplit(dataset.value) : undefined;
        if (message !== undefined) addIssue({ message });
      }),
    ),
    "FastCGI: tells a script's path from what follows it, in two groups (^(.+?\\.php)(/.\\*)?$)",
  ),
  params: setting(v.record(text, v.string()), 'FastCGI: variables besides, or in place of others'),
  connections: setting(integer(1, 2 ** 16), 'FastCGI: connections at a time, a worker (8)'),
  idleTimeout: setting(duration(0, MAX_TIMEOUT_MS), 'FastCGI: that one is kept without a request (250 ms)'),
  connectTimeout: setting(duration(1, MAX_TIMEOUT_MS), 'FastCGI: to connect (5 s)'),
  bodyTimeout: setting(duration(1, MAX_TIMEOUT_MS), 'FastCGI: between two pieces of a body (60 s)'),
  workers: setting(integer(1, MAX_WORKERS), 'processes (1)'),
  timeout: setting(duration(1, MAX_TIMEOUT_MS), 'until the head of an answer is there (30 s)'),
  hangTimeout: setting(duration(1, MAX_TIMEOUT_MS), 'that a process may be stuck before it is ended (30 s)'),
  maxBodyBytes: setting(integer(0), 'bytes of the body of a request (16 MiB)'),
  maxConcurrency: setting(integer(1, 2 ** 20), 'requests at a time at one process (128)'),
  maxQueue: setting(integer(0, 2 ** 20), 'requests that may wait (1024)'),
});

export const AppSchema = v.pipe(
  AppSettings,
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const message = troubleOf(dataset.value);
    if (message !== undefined) addIssue({ message });
  }),
);

function troubleOf(app: v.InferOutput<typeof AppSettings>): string | undefined {
  const { module, fastcgi } = app;
  if (module === undefined && fastcgi === undefined) return 'module or fastcgi is wanted, none was given';
  if (module !== undefined && fastcgi !== undefined) return 'module or fastcgi is wanted, both were given';
  const others = module === undefined ? OF_MODULES : OF_FASTCGI;
  const wrong = others.find(name => app[name] !== undefined);
  return wrong && `${wrong} says nothing of ${module === undefined ? 'a FastCGI responder' : 'a module'}`;
}
