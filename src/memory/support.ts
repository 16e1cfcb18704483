import { IoliteError } from '../base/error.ts';
import { closeDescriptor, reopenReadOnly } from '../os/descriptor.ts';
import { unsupportedReason } from '../os/libc.ts';
import { tryLockShared } from '../os/lock.ts';
import { abandon, map } from '../os/mapping/mapping.ts';
import { addSeals, createMemfd, Seal } from '../os/memfd.ts';

const TRIAL_BYTES = 4096;
/** What may be otherwise in a moment, and so says nothing of the system. */
const PASSING = [
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'ENOLCK',
  'ENOSPC',
  'ENOBUFS',
  'EINTR',
  'EBUSY',
  'EIO',
];

let verdict: IoliteError | 'supported' | undefined;

/** Whether pools of shared memory can be made here. */
export function sharedMemoryIsSupported(): boolean {
  return sharedMemoryProblem() === undefined;
}

/**
 * Why pools of shared memory cannot be made here: the platform, or a sandbox that refuses a call which they
 * need. Found out once, by making one chunk in all its steps, which takes a tenth of a millisecond.
 * @returns undefined where they can be
 */
export function sharedMemoryProblem(): IoliteError | undefined {
  if (verdict === undefined) {
    try {
      verdict = unsupportedReason() ?? 'supported';
      if (verdict === 'supported') tryAll();
    } catch (cause) {
      verdict = undefined;
      const { code = '', message } = cause as NodeJS.ErrnoException;
      if (PASSING.includes(code)) return undefined;
      verdict = new IoliteError('ERR_IOLITE_UNSUPPORTED', `Cannot use shared memory here: ${message}`, {
        cause,
      });
    }
  }
  return verdict === 'supported' ? undefined : verdict;
}

let hasWarned = false;

/**
 * Where buffers of a pool lie whose maker did not say. On Linux, where the heap is not what was expected, a
 * process warning says why, the first time: `code` is IOLITE_HEAP.
 */
export function defaultMemory(): 'shared' | 'heap' {
  const problem = sharedMemoryProblem();
  if (problem === undefined) return 'shared';
  if (process.platform === 'linux' && !hasWarned) {
    hasWarned = true;
    process.emitWarning(
      `Buffers are on the heap of this process, which no other can read. ${problem.message}`,
      {
        type: 'IoliteWarning',
        code: 'IOLITE_HEAP',
        detail: "createPool({ memory: 'heap' }) means it; docs/bundling.md of iolite has what to do",
      },
    );
  }
  return 'heap';
}

/** Why shared memory cannot be used here, if an error may have come of that; else the error itself. */
export function problemBehind(error: unknown): unknown {
  const { code = '' } = error as { readonly code?: string };
  if (code.startsWith('ERR_IOLITE_') || PASSING.includes(code)) return error;
  return sharedMemoryProblem() ?? error;
}

/** All that a chunk needs of the kernel, of /proc and of koffi. @throws what is refused */
function tryAll(): void {
  const fd = createMemfd('iolite:trial', TRIAL_BYTES);
  try {
    const written = map(fd, TRIAL_BYTES, 'read-write', true);
    written.bytes[0] = 1;
    addSeals(fd, Seal.SHRINK | Seal.GROW | Seal.FUTURE_WRITE | Seal.SEAL);
    const reopened = reopenReadOnly(fd);
    try {
      if (!tryLockShared(reopened)) throw new Error('a lock of its own was refused');
      const read = map(reopened, TRIAL_BYTES, 'read-only', false);
      const isSame = read.bytes[0] === 1 && read.shown[0] === 1;
      abandon(read);
      if (!isSame) throw new Error('two mappings of a memfd differ');
    } finally {
      closeDescriptor(reopened);
    }
    abandon(written);
  } finally {
    closeDescriptor(fd);
  }
}
