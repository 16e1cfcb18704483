/**
 * The errors of the whole library. Each has a stable `code`; those the kernel answered with carry the
 * `errno` and `syscall` as well, the way Node's own system errors do.
 */

import type { constants } from 'node:os';
import { isOfOtherCopy } from './brand.ts';
import { errnoName } from './errno-name.ts';

/** Stable codes of errors that iolite itself raises. */
export type IoliteErrorCode =
  /** The platform cannot do this (not Linux, too old a kernel, heap memory where shared is needed). */
  | 'ERR_IOLITE_UNSUPPORTED'
  /** An argument has the wrong type or form. */
  | 'ERR_IOLITE_ARGUMENT'
  /** A number is outside the range it must lie in. */
  | 'ERR_IOLITE_RANGE'
  /** The aggregate, draft or reader was released before. */
  | 'ERR_IOLITE_RELEASED'
  /** A pool is full, or a bound on memory, descriptors or messages was reached. */
  | 'ERR_IOLITE_LIMIT'
  /** The pool, channel, cache or server is closed. */
  | 'ERR_IOLITE_CLOSED'
  /** A pool's ACL does not admit the peer. */
  | 'ERR_IOLITE_ACCESS'
  /** A chunk was recycled before this slice of it was leased. */
  | 'ERR_IOLITE_STALE'
  /** A peer broke the protocol; its channel is closed. */
  | 'ERR_IOLITE_PROTOCOL'
  /** A peer is gone: it closed, exited or was killed. */
  | 'ERR_IOLITE_PEER'
  /** The peer's program threw an error without a code of its own; `cause` has its name and message. */
  | 'ERR_IOLITE_REMOTE'
  /** A peer did not answer in the time it was given. */
  | 'ERR_IOLITE_TIMEOUT'
  /** The bytes end before what was to be read. */
  | 'ERR_IOLITE_INCOMPLETE'
  /** A file cannot be cached or kept changing while it was read. */
  | 'ERR_IOLITE_FILE'
  /** A cache policy of the user's own failed; reported, never thrown. */
  | 'ERR_IOLITE_POLICY'
  /** A file changed on disk since it was read, so that what was to replace it would undo that change. */
  | 'ERR_IOLITE_CONFLICT'
  /** An HTTP request was answered with a status that is an error: what a middleware hands to `next`. */
  | 'ERR_IOLITE_STATUS'
  /** A request has a body that is longer than it may be. */
  | 'ERR_IOLITE_TOO_LONG'
  /**
   * No application process was free in time, or too many requests waited for one; too many tasks waited for a
   * worker of a pool. Or another process kept the lock of a chunk that was passed to us.
   */
  | 'ERR_IOLITE_BUSY'
  /** An application's handler threw. */
  | 'ERR_IOLITE_APPLICATION'
  /** The server behind the proxy sent no response, or broke off its body. */
  | 'ERR_IOLITE_ORIGIN'
  /**
   * The machines of a cluster cannot agree: NATS is not installed, not reached or without a majority, or
   * another machine has the name.
   */
  | 'ERR_IOLITE_CLUSTER'
  /** Something that must hold does not: a bug of iolite, found with `IOLITE_CHECK=1`. Please report it. */
  | 'ERR_IOLITE_INVARIANT';

/** What an error says besides its code. */
export interface IoliteErrorOptions extends ErrorOptions {
  /** See {@link IoliteError.mayRetry}. Default false. */
  readonly mayRetry?: boolean;
}

/** Codes that are not ours: of the kernel, as Node names them, and of Node's errors where one is meant. */
export type ForeignErrorCode =
  | keyof typeof constants.errno
  | 'ERR_HTTP_HEADERS_SENT'
  | 'ERR_STREAM_PREMATURE_CLOSE';

/** Base of every error iolite raises. Match on `code`, not on the message. */
export class IoliteError extends Error {
  /** One of {@link IoliteErrorCode}, or a code of the kernel or of Node. */
  readonly code: string;
  /**
   * Whether what was attempted had no effect and may succeed if it is attempted again as it was: a connection
   * that was closed before anything was answered, a queue that was full.
   */
  readonly mayRetry: boolean;

  constructor(code: IoliteErrorCode | ForeignErrorCode, message: string, options?: IoliteErrorOptions) {
    super(message, options);
    this.code = code;
    this.mayRetry = options?.mayRetry ?? false;
    this.name = new.target.name;
  }
}

/** An argument of the wrong type or form: `ERR_IOLITE_ARGUMENT`. */
export class ArgumentError extends IoliteError {
  constructor(message: string) {
    super('ERR_IOLITE_ARGUMENT', message);
  }
}

/** A number outside its range: `ERR_IOLITE_RANGE`. */
export class BoundsError extends IoliteError {
  constructor(message: string) {
    super('ERR_IOLITE_RANGE', message);
  }
}

/**
 * A system call failed: `code` is the kernel's name for it ('ENOENT'), `errno` the negated number as in Node.
 */
export class SystemError extends IoliteError {
  /** The negated number, as in Node's own errors. */
  readonly errno: number;
  /** The name of the call that failed. */
  readonly syscall: string;

  /** @param errno the positive errno that the call left. */
  constructor(syscall: string, errno: number, attempted: string) {
    const code = errnoName(errno) as ForeignErrorCode;
    super(code, `${attempted}: ${syscall} answered ${code}`);
    this.errno = -errno;
    this.syscall = syscall;
  }
}

/** An error of Node's own as one of ours, if it carries what the kernel answered; as it is otherwise. */
export function systemError(cause: unknown, attempted: string): Error {
  const { errno, syscall } = (cause ?? {}) as NodeJS.ErrnoException;
  if (typeof errno !== 'number' || errno >= 0) return cause as Error;
  return new SystemError(syscall ?? 'the call', -errno, attempted);
}

/**
 * An error of Node's own as it is where Node has a name for it, and as {@link systemError} where it has none:
 * ESTALE of a network file system, EDQUOT, whose code would be 'Unknown system error -116'.
 */
export function namedError(cause: unknown, attempted: string): Error {
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  return code?.startsWith('Unknown system error') ? systemError(cause, attempted) : (cause as Error);
}

/** Describes a value for an error message, briefly whatever it is. */
export function describe(value: unknown): string {
  if (typeof value === 'string')
    return value.length > 40 ? `a string of ${value.length} characters` : `'${value}'`;
  if (typeof value === 'function') return `a function`;
  if (typeof value === 'symbol') return 'a symbol';
  if (value === null || typeof value !== 'object') return String(value);
  const type = `a value of type ${value.constructor?.name ?? 'Object'}`;
  return isOfOtherCopy(value) ? `${type} of another copy of iolite` : type;
}

/** Throws unless `value` is an integer from `min` to `max`, both included. */
export function checkInteger(
  value: unknown,
  name: string,
  min: number,
  max: number,
): asserts value is number {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return;
  refuseInteger(value, name, min, max);
}

/** Apart, so that the check itself is small enough to be inlined. */
function refuseInteger(value: unknown, name: string, min: number, max: number): never {
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw new ArgumentError(`Cannot use ${name}: an integer is wanted, ${describe(value)} was given`);
  }
  throw new BoundsError(`Cannot use ${name}: ${min} to ${max} is wanted, ${value} was given`);
}

/**
 * The names of the options of `T`: the compiler sees to it that none is missing, and none too many.
 * @param names each true
 */
export function optionNames<T>(names: { readonly [Name in keyof Required<T>]: true }): ReadonlySet<string> {
  return new Set(Object.keys(names));
}

/**
 * Refuses options that nobody knows: one that is misspelt may be somebody's guard, and would be missed
 * without a word. What is undefined is not given.
 * @param attempted what failed then: 'create pool' @throws ERR_IOLITE_ARGUMENT
 */
export function checkOptionNames(options: object, known: ReadonlySet<string>, attempted: string): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || known.has(name)) continue;
    throw new ArgumentError(
      `Cannot ${attempted}: ${describe(name)} is unknown; there are ${[...known].sort().join(', ')}`,
    );
  }
}
