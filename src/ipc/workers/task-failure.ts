import { IoliteError, type IoliteErrorCode } from '../../base/error.ts';
import type { Json } from '../../base/json.ts';

const MAX_NAME_CHARACTERS = 100;
const MAX_MESSAGE_CHARACTERS = 4096;
const MAX_STACK_CHARACTERS = 16 * 1024;
const MAX_CAUSES = 3;

/**
 * What a task threw in its worker: `name`, `message`, `stack`, `code` and `cause` as they were there. What
 * had no code has ERR_IOLITE_REMOTE.
 */
export class TaskError extends IoliteError {
  /** Of the error in the worker: 'TypeError'. */
  declare readonly name: string;

  /** @internal */
  constructor(told: ToldFailure, cause: Error | undefined) {
    const { name, message, stack, code } = told;
    // By its own code, whatever that is.
    super((code ?? 'ERR_IOLITE_REMOTE') as IoliteErrorCode, message, cause === undefined ? {} : { cause });
    Object.defineProperty(this, 'name', { value: name, configurable: true, writable: true });
    this.stack = stack ?? `${name}: ${message}`;
  }
}

/** An error as a worker tells it. */
interface ToldFailure {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
  readonly cause?: unknown;
}

/** What is told of a value that was thrown, whatever it is. Never throws. */
export function describeTaskFailure(thrown: unknown, causes = MAX_CAUSES): Json {
  if (typeof thrown !== 'object' || thrown === null) return { name: 'Error', message: textOf(thrown) };
  const of = (name: string, most: number): string | undefined => {
    const value = memberOf(thrown, name);
    return typeof value === 'string' ? value.slice(0, most) : undefined;
  };
  const cause = causes === 0 ? undefined : memberOf(thrown, 'cause');
  return {
    name: of('name', MAX_NAME_CHARACTERS) ?? 'Error',
    message: of('message', MAX_MESSAGE_CHARACTERS) ?? textOf(thrown),
    stack: of('stack', MAX_STACK_CHARACTERS),
    code: of('code', MAX_NAME_CHARACTERS),
    ...(cause === undefined ? {} : { cause: describeTaskFailure(cause, causes - 1) }),
  };
}

/** The error that a worker has told of. */
export function taskFailureOf(told: unknown, causes = MAX_CAUSES): TaskError {
  const of = (name: string): string | undefined => {
    const value = typeof told === 'object' && told !== null ? memberOf(told, name) : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  const [stack, code] = [of('stack'), of('code')];
  const cause = typeof told === 'object' && told !== null && causes > 0 ? memberOf(told, 'cause') : undefined;
  return new TaskError(
    {
      name: of('name') ?? 'Error',
      message: of('message') ?? 'The task failed',
      ...(stack === undefined ? {} : { stack }),
      ...(code === undefined ? {} : { code }),
    },
    cause === undefined ? undefined : taskFailureOf(cause, causes - 1),
  );
}

/** A getter of a program may throw. */
function memberOf(object: object, name: string): unknown {
  try {
    return (object as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  try {
    return String(value).slice(0, MAX_MESSAGE_CHARACTERS);
  } catch {
    return 'The task threw something that has no text';
  }
}
