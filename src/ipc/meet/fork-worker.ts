import cluster, { type Worker } from 'node:cluster';
import { IoliteError } from '../../base/error.ts';
import type { Channel } from '../channel.ts';
import type { ChannelOptions } from '../channel-options.ts';
import { CHANNEL_VARIABLE } from './fork.ts';
import { inheritedOptions } from './inherited-options.ts';
import { listen } from './listen.ts';
import { ownName } from './own-folder.ts';
import { checkTimeout, describeEnd, earlyEndError, endOfProcess, takenUp } from './peer-end.ts';

/** How a cluster's worker is started, and what the primary accepts from it. */
export interface WorkerOptions {
  /** Added to the environment of the worker. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds that the worker has to take up its channel, after which it is killed. Default 60,000. */
  readonly timeout?: number;
  /** Kills the worker and ends the waiting for it when aborted. */
  readonly signal?: AbortSignal;
  /** Of the channel on this side. */
  readonly channel?: ChannelOptions;
}

/** A worker of a cluster and the channel to it. */
export interface ForkedWorker {
  /** To it. It closes when the other side ends. */
  readonly channel: Channel;
  /** As cluster.fork() has made it. */
  readonly worker: Worker;
}

/**
 * Starts a worker of this cluster (node:cluster, as its setupPrimary() says), connected by a channel. The
 * worker calls parentChannel().
 * @throws ERR_IOLITE_PEER when the worker ends before it took up its channel; ERR_IOLITE_TIMEOUT when it
 *   takes too long; ERR_IOLITE_ARGUMENT in a process that is no primary; SystemError;
 *   ERR_IOLITE_UNSUPPORTED; the signal's reason
 */
export async function forkWorker(options: WorkerOptions = {}): Promise<ForkedWorker> {
  const { env, signal, channel: accepted } = options;
  if (!cluster.isPrimary) {
    throw new IoliteError(
      'ERR_IOLITE_ARGUMENT',
      'Cannot fork worker: this process is no primary of a cluster',
    );
  }
  checkTimeout(options.timeout);
  const { execArgv = process.execArgv } = cluster.settings;
  // What setupPrimary() was told is the user's word.
  if (`${execArgv}` === `${process.execArgv}`) cluster.setupPrimary({ execArgv: inheritedOptions() });
  // An endpoint of its own, which only this worker may use, as whichever user it runs: the kernel says which
  // process connects.
  const pids: number[] = [];
  const name = ownName('worker');
  await using endpoint = await listen(name, {
    acl: { pids },
    mode: 0o666,
    ...(accepted === undefined ? {} : { channel: accepted }),
    ...(signal === undefined ? {} : { signal }),
  });
  const worker = cluster.fork({ ...env, [CHANNEL_VARIABLE]: name });
  if (worker.process.pid !== undefined) pids.push(worker.process.pid);
  const abort = (): void => void worker.process.kill('SIGKILL');
  signal?.addEventListener('abort', abort, { once: true });
  worker.once('exit', () => signal?.removeEventListener('abort', abort));
  const ended = new Promise<never>((_, reject) => {
    worker.on('error', reject);
    worker.once('exit', (code, killedBy) => reject(earlyError(code, killedBy)));
  });
  ended.catch(() => {});
  const arrived = endpoint[Symbol.asyncIterator]().next();
  const first = Promise.race([arrived, ended]);
  const taken = takenUp(first, 'worker', { timeout: options.timeout, end: abort });
  const { value: channel } = await taken.catch(error => {
    throw signal?.aborted ? signal.reason : error;
  });
  if (channel === undefined) throw signal?.reason;
  channel.endsWith(endOfProcess(worker.process));
  return { channel, worker };
}

function earlyError(exitCode: number | null, killedBy: string | null): IoliteError {
  const signal = (killedBy || null) as NodeJS.Signals | null;
  return earlyEndError('worker', describeEnd({ exitCode, signal }), cluster.settings.exec);
}
