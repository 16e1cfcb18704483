import { types } from 'node:util';
import { Aggregate } from '../../aggregate/aggregate.ts';
import { ArgumentError, describe } from '../../base/error.ts';
import type { Json } from '../../base/json.ts';

/** What a task is given besides its body, or gives: deeper than this it would be refused on its way. */
const MAX_LEVELS = 128;

/**
 * What JSON would change without a word, or leave out: a Map becomes `{}`, bytes an object of numbers.
 */
const UNFIT: readonly ((value: object) => boolean)[] = [
  ArrayBuffer.isView,
  types.isAnyArrayBuffer,
  types.isMap,
  types.isSet,
  types.isRegExp,
  types.isNativeError,
  types.isPromise,
  types.isWeakMap,
  types.isWeakSet,
];

/**
 * Throws ERR_IOLITE_ARGUMENT, with the place, unless a value can be said in JSON. Dates and what else has a
 * toJSON() pass, as JSON has them. Undefined at the top passes: it is nothing.
 * @param what for the message: "task"
 */
export function checkValue(value: unknown, what: string): asserts value is Json | undefined {
  if (value === undefined || isPlain(value)) return;
  check(value, what, what, 0);
}

/** The most that most tasks are: looked at without a call for each member. */
function isPlain(value: unknown): boolean {
  return (
    value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  );
}

function check(value: unknown, what: string, place: string, level: number): void {
  if (isPlain(value)) return;
  if (typeof value !== 'object' || value === null) throw unfit(value, what, place);
  if (Aggregate.isAggregate(value)) throw unfit(value, what, place);
  if (level > MAX_LEVELS) {
    throw new ArgumentError(
      `Cannot run task: its ${what} is nested more than ${MAX_LEVELS} deep, or in a circle`,
    );
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const each: unknown = value[i];
      if (each !== undefined && !isPlain(each)) check(each, what, `${place}[${i}]`, level + 1);
    }
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    for (const is of UNFIT) if (is(value)) throw unfit(value, what, place);
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return;
  for (const name of Object.keys(value)) {
    const each = (value as Record<string, unknown>)[name];
    if (each !== undefined && !isPlain(each)) check(each, what, `${place}.${name}`, level + 1);
  }
}

function unfit(value: unknown, what: string, place: string): ArgumentError {
  const hint = isBytes(value) ? `; an aggregate goes as the body of the ${what}` : '';
  return new ArgumentError(
    `Cannot run task: JSON is wanted as ${what}, ${describe(value)} was given at ${place}${hint}`,
  );
}

function isBytes(value: unknown): boolean {
  return ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value) || Aggregate.isAggregate(value);
}
