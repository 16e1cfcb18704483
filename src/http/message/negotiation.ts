import Negotiator from 'negotiator';
import { RecentMap } from '../../base/recent-map.ts';
import type { Coding } from '../../file/content/coding.ts';
import type { Fidelity } from './exchange.ts';

/** Ours when the client is indifferent: the smallest first. */
const PREFERRED: readonly Coding[] = ['br', 'zstd', 'gzip'];

/** What the types of negotiator do not know yet. */
interface Encodings {
  encodings<T extends string>(available: readonly T[], options: { preferred: readonly T[] }): T[];
}

/** Something is refused: perhaps identity. */
const REFUSAL = /;\s*q\s*=\s*0/i;

/** Longer fields are nobody's habit. */
const MAX_FIELD_CHARACTERS = 200;

/** Choices made before, by what they were made of: clients send few different fields. */
const choices = new RecentMap<string, Coding | 'identity' | 'none'>(1000);

/**
 * The content coding for a client (RFC 9110, 12.5.3), by the qualities that it gives, and then the smallest
 * form.
 * @param field Accept-Encoding of the request
 * @param available codings that there is a form in, besides identity
 * @returns undefined when the client refuses all of them, identity too
 */
export function chooseCoding(
  field: string | undefined,
  available: readonly Coding[],
): Coding | 'identity' | undefined {
  if (field === undefined || (available.length === 0 && !REFUSAL.test(field))) return 'identity';
  const key = `${available.join()}\n${field}`;
  const known = choices.get(key);
  if (known !== undefined) return known === 'none' ? undefined : known;
  const negotiator = new Negotiator({ headers: { 'accept-encoding': field } });
  const [choice] = (negotiator as Encodings).encodings([...available, 'identity'], { preferred: PREFERRED });
  if (field.length <= MAX_FIELD_CHARACTERS) choices.set(key, choice ?? 'none');
  return choice;
}

/** Codings that bodies are put in on their way. */
const ANY_CODING = ['br', 'zstd', 'gzip', 'deflate', 'compress'];

/**
 * Whether a client takes a body in some content coding.
 * @param field Accept-Encoding of the request
 */
function acceptsCoding(field: string | undefined): boolean {
  if (field === undefined) return false;
  return new Negotiator({ headers: { 'accept-encoding': field } }).encodings(ANY_CODING).length > 0;
}

/**
 * What may become of an answer that is handed to others who may code it, where the client takes that.
 * @param field Accept-Encoding of the request
 */
export function fidelityBelow(field: string | undefined): Fidelity {
  return acceptsCoding(field) ? 'changeable' : 'equivalent';
}

/**
 * The media type that a client likes best (RFC 9110, 12.5.1); the first when it is indifferent.
 * @param field Accept of the request
 * @returns undefined when the client refuses all of them
 */
export function chooseMediaType<T extends string>(
  field: string | undefined,
  available: readonly T[],
): T | undefined {
  if (field === undefined) return available[0];
  return new Negotiator({ headers: { accept: field } }).mediaType([...available]) as T | undefined;
}
