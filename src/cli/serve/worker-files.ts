import { dirname } from 'node:path';
import type { FileAccess } from '../../os/confine/landlock.ts';
import { programFiles } from '../../os/confine/program-files.ts';

/** Options of Node.js that load modules of others, whose files nobody here knows. */
const LOADING = /(^|\s)(-r|--require|--import|--loader|--experimental-loader|--env-file)\b/;
/** What writes files for whoever measures Node.js. */
const MEASURING = ['NODE_V8_COVERAGE'];

/** What a worker serves from, and writes to. */
export interface WorkerPlaces {
  /** Directories; a link stands for where it leads just now. */
  readonly roots: readonly string[];
  /** Whether links in them are followed wherever they lead. */
  readonly followsLinks: boolean;
  readonly log?: { readonly file: string } | undefined;
}

/**
 * The only files that a worker of `iolite serve` may open: its program, the directories that it serves, its
 * log. Those of the application and the certificates are read by others.
 * @returns undefined where nobody can say: modules of others are loaded into it, or links are followed
 *   wherever they lead
 */
export function workerFiles({ roots, followsLinks, log }: WorkerPlaces): FileAccess | undefined {
  const { NODE_OPTIONS: options = '' } = process.env;
  if (LOADING.test([options, ...process.execArgv].join(' '))) return undefined;
  if (MEASURING.some(name => process.env[name] !== undefined) || followsLinks) return undefined;
  const logs = log === undefined || log.file === '-' ? [] : [dirname(log.file)];
  return {
    read: [...programFiles(import.meta.url), ...roots],
    write: ['/dev/null', '/dev/stdout', '/dev/stderr', ...logs],
  };
}
