import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('../../bench/picks.lua', import.meta.url));
/** By Zipf's law the nth file is asked for n^-alpha times as often as the first. */
export const ZIPF = { alpha: 0.9 } as const;
/** More than any load takes that ends by the number of its answers. */
const LONG_SECONDS = 900;

/** What wrk is to ask for, with one thread. */
export interface Load {
  /** A file of paths, one a line. */
  readonly list: string;
  /** See picks.lua. */
  readonly picks: 'walk' | 'evenly' | 'zipf';
  readonly connections: number;
  /** The same picks for the same seed. */
  readonly seed?: number;
  /** It ends after so long, */
  readonly seconds?: number;
  /** or after so many answers, of which there should be a thousand, for wrk takes its time to begin. */
  readonly requests?: number;
  /** Where the server is. Default: 127.0.0.1. */
  readonly host?: string;
  /** A command that wrk's own is appended to. */
  readonly before?: readonly string[];
  /** What takes longer is no answer but a time-out. Default: as wrk has it. */
  readonly timeoutSeconds?: number;
}

export interface Loaded {
  readonly requests: number;
  readonly seconds: number;
  /** Of heads and bodies. */
  readonly bytes: number;
  /** Requests per second. */
  readonly rate: number;
  /** Percentiles of the time to an answer, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Answers that were none or told of an error, and connections that broke. */
  readonly failed: number;
  readonly timeouts: number;
}

/** @throws Error when nobody listens at the port */
export async function load(port: number, wanted: Load): Promise<Loaded> {
  const { list, picks, connections, seed = 1, seconds = LONG_SECONDS, requests, timeoutSeconds = 2 } = wanted;
  const { host = '127.0.0.1', before = [] } = wanted;
  const options = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', `${timeoutSeconds}s`];
  const script = [
    list,
    picks,
    String(seed),
    String(ZIPF.alpha),
    ...(requests === undefined ? [] : [String(requests)]),
  ];
  const url = `http://${host}:${port}`;
  const command = [...before, 'wrk', ...options, '-s', SCRIPT, url, '--', ...script] as [string, ...string[]];
  const { stdout } = await run(command[0], command.slice(1));
  const line = stdout.split('\n').find(each => each.startsWith('{'));
  if (line === undefined) throw new Error(`wrk told no figures:\n${stdout}`);
  const { microseconds, p50, p99, ...rest } = JSON.parse(line) as Record<string, number>;
  const told = rest as Pick<Loaded, 'requests' | 'bytes' | 'failed' | 'timeouts'>;
  const duration = (microseconds as number) / 1e6;
  const rate = told.requests / duration;
  return { ...told, seconds: duration, rate, p50: (p50 as number) / 1000, p99: (p99 as number) / 1000 };
}
