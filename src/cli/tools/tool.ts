import { writeSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import { UserError } from '../user-error.ts';

/** What the standard output answered. `cause` is the error of the system call. */
export class OutputError extends Error {
  readonly code: string;

  constructor(cause: NodeJS.ErrnoException) {
    super(`write error: ${reasonOf(cause)}`, { cause });
    this.code = cause.code ?? '';
  }
}

/** The C library's words for what users meet; libuv's serve for the rest. */
const REASONS: Record<string, string> = {
  EACCES: 'Permission denied',
  EBADF: 'Bad file descriptor',
  EFBIG: 'File too large',
  EINVAL: 'Invalid argument',
  EIO: 'Input/output error',
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  EMFILE: 'Too many open files',
  ENAMETOOLONG: 'File name too long',
  ENODEV: 'No such device',
  ENOENT: 'No such file or directory',
  ENOMEM: 'Cannot allocate memory',
  ENOSPC: 'No space left on device',
  ENOTDIR: 'Not a directory',
  ENXIO: 'No such device or address',
  EPERM: 'Operation not permitted',
  EPIPE: 'Broken pipe',
};

/** Why a system call failed, in the words that Unix tools use. Other errors say it themselves. */
export function reasonOf(error: unknown): string {
  const { code = '', errno, message } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? getSystemErrorMap().get(errno ?? 0)?.[1] ?? message;
}

/** Says one line on stderr, in the name of a tool. A stderr that takes nothing is no reason to fail. */
export function complainAs(tool: string, text: string): void {
  try {
    writeSync(2, `iolite ${tool}: ${text}\n`);
  } catch {
    // Nobody listens.
  }
}

/**
 * Ends the process the way the system ends one that writes to a pipe nobody reads: by SIGPIPE. Node ignores
 * that signal from its start; taking a listener away again restores what the system does.
 */
function endByBrokenPipe(): never {
  const nothing = (): void => {};
  process.on('SIGPIPE', nothing);
  process.off('SIGPIPE', nothing);
  process.kill(process.pid, 'SIGPIPE');
  process.exit(141);
}

/**
 * Runs a tool to its end.
 * @param failureCode the exit code when it cannot go on
 * @param work returns the exit code
 */
export async function runTool(
  tool: string,
  failureCode: number,
  work: () => Promise<number>,
): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof OutputError && error.code === 'EPIPE') endByBrokenPipe();
    const known = error instanceof OutputError || error instanceof UserError;
    complainAs(tool, known ? error.message : reasonOf(error));
    return failureCode;
  }
}
