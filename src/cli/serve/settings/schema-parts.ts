import * as v from 'valibot';
import { MAX_TIMEOUT_MS } from '../../../base/deadlines.ts';
import { durationOf } from '../../../http/message/max-age.ts';
import { troubleOfField } from '../../../http/rules/field-set.ts';

export const MAX_PORT = 0xffff;

/** What a setting that was received is said to be. */
type Received = { readonly received: string };

/** An integer from `min` to `max`. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  const wanted = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`;
  const message = ({ received }: Received): string =>
    `an integer, ${wanted}, is wanted, ${received} was given`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(min, message), v.maxValue(max, message));
}

export const text = v.pipe(v.string(), v.nonEmpty('a text that is not empty is wanted'));

const DURATION = "milliseconds or a text as '30 seconds' are wanted";

/** A duration as it stands: a number of milliseconds, or a text. */
export const plainDuration = v.pipe(
  v.union([v.number(), v.string()], DURATION),
  v.check(
    given => durationOf(given) !== undefined,
    ({ received }) => `${DURATION}, ${received} was given`,
  ),
);

/** A duration that becomes milliseconds. */
export function duration(min: number, max = MAX_TIMEOUT_MS) {
  return v.pipe(
    plainDuration,
    v.transform(given => Math.round(durationOf(given) ?? 0)),
    v.minValue(min, `${min} milliseconds or more are wanted`),
    v.maxValue(max, `${max} milliseconds or less are wanted`),
  );
}

/** Header fields by name; null takes them away. */
export const fields = v.pipe(
  v.record(text, v.nullable(v.string())),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    for (const [name, value] of Object.entries(dataset.value)) {
      const message = troubleOfField(name, value);
      if (message !== undefined) addIssue({ message });
    }
  }),
);

/**
 * An object with these settings and no others. Valibot's own takes an array without items for one.
 * @param entries by name
 */
export function settings<const T extends v.ObjectEntries>(entries: T): v.StrictObjectSchema<T, undefined> {
  const schema = v.strictObject(entries);
  return {
    ...schema,
    '~run'(dataset, config) {
      const { value } = dataset;
      if (!Array.isArray(value)) {
        const checked = schema['~run'](dataset, config);
        // Valibot tells of the first only.
        for (const key of unknownKeys(value, entries).slice(1)) {
          const path = [
            { type: 'object', origin: 'key', input: value as never, key, value: undefined },
          ] as const;
          v._addIssue(this, 'key', checked, config, { input: key, expected: 'never', path: [...path] });
        }
        return checked;
      }
      v._addIssue(this, 'type', dataset, config, { received: 'an array' });
      return dataset as never;
    },
  };
}

function unknownKeys(value: unknown, entries: v.ObjectEntries): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.keys(value).filter(key => !Object.hasOwn(entries, key));
}

/** A setting that need not be there, and what it means for those who read of it. */
export function setting<T extends v.GenericSchema>(schema: T, description: string) {
  return v.optional(v.pipe(schema, v.description(description)));
}

/** A setting that must be there. */
export function needed<T extends v.GenericSchema>(schema: T, description: string) {
  return v.pipe(schema, v.description(description));
}
