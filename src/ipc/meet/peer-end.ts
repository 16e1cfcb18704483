import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { MAX_TIMEOUT_MS } from '../../base/deadlines.ts';
import { checkInteger, IoliteError } from '../../base/error.ts';
import type { PeerEnd } from '../wire/failure.ts';

/** How long a module that was started has to take up its channel. */
const TAKE_UP_MS = 60_000;

/** Settles when a child process ends. */
export function endOfProcess(child: ChildProcess): Promise<PeerEnd> {
  const { exitCode, signalCode: signal } = child;
  if (exitCode !== null || signal !== null) return Promise.resolve({ exitCode, signal });
  return new Promise(settle => child.once('exit', (exitCode, signal) => settle({ exitCode, signal })));
}

/** "exited with code 1" */
export function describeEnd({ exitCode, signal }: PeerEnd): string {
  return signal === null ? `exited with code ${exitCode}` : `was killed by ${signal}`;
}

/** The error of what ended before it took up its channel. @param cwd where it was started */
export function earlyEndError(what: string, end: string, module?: string, cwd = '.'): IoliteError {
  const missing =
    module !== undefined && !existsSync(resolve(cwd, module)) ? `; there is no file ${module}` : '';
  const named = module === undefined ? what : `${what} (${module})`;
  return new IoliteError('ERR_IOLITE_PEER', `The ${named} ${end} before it took up its channel${missing}`);
}

/**
 * Waits for what was started to take up its channel.
 * @param end ends it, should it take too long
 * @throws ERR_IOLITE_TIMEOUT; what `taken` rejects with
 */
export async function takenUp<T>(
  taken: Promise<T>,
  what: string,
  { timeout = TAKE_UP_MS, end }: { timeout?: number | undefined; end: () => void },
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = `The ${what} did not call parentChannel() in ${timeout} ms`;
      reject(new IoliteError('ERR_IOLITE_TIMEOUT', message));
      end();
    }, timeout);
  });
  try {
    return await Promise.race([taken, late]);
  } finally {
    clearTimeout(timer);
    taken.catch(() => {});
  }
}

/** @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
export function checkTimeout(timeout: number | undefined): void {
  if (timeout !== undefined) checkInteger(timeout, 'timeout', 1, MAX_TIMEOUT_MS);
}
