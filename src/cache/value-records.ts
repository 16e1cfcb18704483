import type { RecordFacts } from '../store/directory/directory-protocol.ts';
import type { ValueKind } from './value.ts';
import { areTags, type ValueFacts } from './value-facts.ts';

const KINDS: readonly ValueKind[] = ['bytes', 'text', 'json'];

/** What the directory says of a value. */
export function recordOf({ kind, at, fresh, end, tags }: ValueFacts): RecordFacts & {
  readonly facts: readonly number[];
} {
  const [never, note] = [Number.POSITIVE_INFINITY, tags === undefined ? '' : JSON.stringify(tags)];
  return { kind: KINDS.indexOf(kind), facts: [at, fresh ?? never, end ?? never], note };
}

/** The facts of a value out of that. @returns undefined where it is none */
export function factsOfRecord({ kind: place, facts, note }: RecordFacts): ValueFacts | undefined {
  const kind = KINDS[place];
  const [at, fresh, end] = facts;
  if (kind === undefined || typeof at !== 'number') return undefined;
  // Which most values have: one object of one shape.
  if (note === '' && !isTime(fresh) && !isTime(end)) return { kind, at };
  const tags = note === '' ? undefined : tagsOf(note);
  return {
    kind,
    at,
    ...(isTime(fresh) ? { fresh } : {}),
    ...(isTime(end) ? { end } : {}),
    ...(tags === undefined ? {} : { tags }),
  };
}

/** JSON says null for a time that never comes. */
function isTime(time: number | null | undefined): time is number {
  return typeof time === 'number' && Number.isFinite(time);
}

function tagsOf(note: string): readonly string[] | undefined {
  try {
    const tags: unknown = JSON.parse(note);
    return areTags(tags) ? tags : undefined;
  } catch {
    return undefined;
  }
}
