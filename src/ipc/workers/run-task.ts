import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { Message } from '../message.ts';
import type { RequestContext } from '../responder.ts';
import { TaskContext } from './task-context.ts';
import type { TaskFunctions } from './task-functions.ts';
import { bodyOfResult, failureMessage, readTaskHead, resultMessage } from './task-message.ts';

/**
 * Runs a task in its worker. Takes over the request's body.
 * @returns the answer, whose body the channel takes over; a task that is done at once costs no promise
 */
export function runTask(
  functions: TaskFunctions,
  { head, body }: Message,
  request: RequestContext,
): Message | Promise<Message> {
  const asked = readTaskHead(head);
  if (asked === undefined) {
    body?.release();
    return {};
  }
  try {
    const given: unknown = functions.named(asked.name)(asked.task, new TaskContext(body, request));
    if (!isThenable(given)) return answer(given, body);
    return Promise.resolve(given).then(
      result => answer(result, body),
      error => failure(error, body),
    );
  } catch (error) {
    return failure(error, body);
  }
}

function answer(result: unknown, body: Aggregate | undefined): Message {
  const given = bodyOfResult(result);
  try {
    const message = resultMessage(result);
    if (given !== body) release(body);
    return message;
  } catch (error) {
    release(given);
    return failure(error, body);
  }
}

function failure(error: unknown, body: Aggregate | undefined): Message {
  release(body);
  return failureMessage(error);
}

/** The task may have done so. */
function release(body: Aggregate | undefined): void {
  if (body !== undefined && !body.released) body.release();
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
