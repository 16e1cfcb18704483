import { Aggregate } from '../aggregate/aggregate.ts';
import type { Pool } from '../aggregate/pool.ts';
import { ArgumentError, describe, IoliteError } from '../base/error.ts';
import type { Json } from '../base/json.ts';
import { isWellFormed } from '../base/well-formed.ts';

/** What may be kept: bytes, by reference or copied, text, and what JSON can say. */
export type Cacheable = Aggregate | Uint8Array | ArrayBuffer | Json;

/**
 * What is found: an aggregate of bytes, which the finder releases; text; or what JSON can say, frozen, as all
 * who ask in this process get the same object.
 */
export type CachedValue = Aggregate | Json;

/** What bytes are of. */
export type ValueKind = 'bytes' | 'text' | 'json';

/** A value as bytes. */
export interface EncodedValue {
  readonly kind: ValueKind;
  /** The caller's, who releases it. */
  readonly content: Aggregate;
}

const KINDS: ReadonlySet<unknown> = new Set(['bytes', 'text', 'json']);

export function isValueKind(kind: unknown): kind is ValueKind {
  return KINDS.has(kind);
}

/**
 * A value as bytes. An aggregate is shared, everything else copied into the pool.
 * @throws ERR_IOLITE_ARGUMENT for what cannot be kept: undefined, functions, circles; ERR_IOLITE_RELEASED;
 *   ERR_IOLITE_LIMIT
 */
export function encodeValue(value: Cacheable, pool: Pool): EncodedValue {
  if (Aggregate.isAggregate(value)) return { kind: 'bytes', content: value.duplicate() };
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer)
    return { kind: 'bytes', content: pool.from(value as Uint8Array) };
  // Half a pair of surrogates is no text in UTF-8: JSON can say it.
  if (typeof value === 'string' && isWellFormed(value)) return { kind: 'text', content: pool.from(value) };
  return { kind: 'json', content: pool.from(jsonOf(value)) };
}

/** The value that bytes are of, which stay the caller's. @throws ERR_IOLITE_PROTOCOL when they are of none */
export function decodeValue(kind: 'text' | 'json', content: Aggregate | undefined): Json {
  const text = content?.toString() ?? '';
  if (kind === 'text') return text;
  try {
    return frozen(JSON.parse(text) as Json);
  } catch (cause) {
    throw new IoliteError('ERR_IOLITE_PROTOCOL', 'Cannot use value: it is no JSON', { cause });
  }
}

function jsonOf(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw Object.assign(new ArgumentError(`Cannot keep value: ${(cause as Error).message}`), { cause });
  }
  if (text !== undefined) return text;
  throw new ArgumentError(
    `Cannot keep value: an aggregate, bytes, text or JSON is wanted, ${describe(value)} was given`,
  );
}

/** Deeply frozen, as everybody shares it. However deep: JSON.parse takes what a recursion does not. */
export function frozen(value: Json): Json {
  const found: unknown[] = [value];
  while (found.length > 0) {
    const each = found.pop();
    if (typeof each !== 'object' || each === null || Object.isFrozen(each)) continue;
    Object.freeze(each);
    for (const inner of Object.values(each)) found.push(inner);
  }
  return value;
}
