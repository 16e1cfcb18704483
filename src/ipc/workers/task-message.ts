import { Aggregate } from '../../aggregate/aggregate.ts';
import { IoliteError } from '../../base/error.ts';
import type { Json } from '../../base/json.ts';
import type { Message } from '../message.ts';
import { describeTaskFailure, taskFailureOf } from './task-failure.ts';
import { checkValue } from './task-value.ts';

/** What a task gives: JSON, an aggregate, or an object with one as `body`. Undefined for nothing. */
export type TaskResult = Json | Aggregate | TaskResultWithBody | undefined;

/** What a task gives that has both bytes and something to say of them. */
export interface TaskResultWithBody {
  /** Passed by reference. Whoever is given it releases it. */
  readonly body: Aggregate;
  readonly [key: string]: Json | Aggregate | undefined;
}

/**
 * The messages between a pool and its workers. A request's head is `{ task, name }`, that of its answer
 * `{ result }` or `{ error }`; bodies are the messages' own. A request without a head asks whether the worker
 * is ready: its answer has none, or an error.
 */
export function taskHead(task: Json | undefined, name: string | undefined): Json {
  return { task, name };
}

/** What a worker was asked. Undefined: whether it is ready. */
export function readTaskHead(head: Json | undefined): { task: Json | undefined; name: string } | undefined {
  if (typeof head !== 'object' || head === null) return undefined;
  const { task, name = 'default' } = head as { task?: Json; name?: string };
  return { task, name };
}

/**
 * The answer that says what a task gave. Takes over the aggregate in it. @throws ERR_IOLITE_ARGUMENT for
 * what is neither JSON nor an aggregate
 */
export function resultMessage(result: unknown): Message {
  if (result === undefined) return {};
  if (Aggregate.isAggregate(result)) return { body: result };
  if (!hasBody(result)) {
    checkValue(result, 'result');
    return { head: { result } };
  }
  const { body, ...others } = result;
  checkValue(others, 'result');
  return { head: { result: others }, body };
}

/** Whether a result is an object with an aggregate. */
function hasBody(result: unknown): result is TaskResultWithBody {
  return (
    typeof result === 'object' &&
    result !== null &&
    Aggregate.isAggregate((result as { body?: unknown }).body)
  );
}

/** The aggregate of a result. */
export function bodyOfResult(result: unknown): Aggregate | undefined {
  if (Aggregate.isAggregate(result)) return result;
  return hasBody(result) ? result.body : undefined;
}

/** The answer that says why a task gave nothing. */
export function failureMessage(thrown: unknown): Message {
  return { head: { error: describeTaskFailure(thrown) } };
}

/**
 * What a worker's answer says, whose aggregate is the caller's.
 * @throws what the task threw; ERR_IOLITE_PROTOCOL for what is no answer
 */
export function readResult({ head, body }: Message): TaskResult {
  if (head === undefined) return body;
  try {
    if (typeof head !== 'object' || head === null) throw notAnAnswer();
    const { result, error } = head as { result?: Json; error?: Json };
    if (error !== undefined) throw taskFailureOf(error);
    if (body === undefined) return result;
    if (typeof result !== 'object' || result === null || Array.isArray(result)) throw notAnAnswer();
    return { ...result, body };
  } catch (thrown) {
    body?.release();
    throw thrown;
  }
}

function notAnAnswer(): IoliteError {
  return new IoliteError('ERR_IOLITE_PROTOCOL', 'The worker answered what is no result of a task');
}
