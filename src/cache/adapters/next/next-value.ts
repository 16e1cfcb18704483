import type { Json } from '../../../base/json.ts';

/** A page, an answer of a route, or what a `fetch` has got, as Next.js keeps it. */
export type NextValue = {
  /** 'FETCH', 'APP_PAGE' and so on: what the other fields are by. */
  readonly kind: string;
  /** As Next.js has it. */
  readonly [field: string]: unknown;
};

/** What JSON can say of a value, and where its bytes belong. */
export type NextShape = {
  /** null: there is no value. */
  readonly fields: Json;
  /** Fields that are bytes, and how many; those that are several, by names. In the order of the bytes. */
  readonly bytes: readonly (readonly [field: string, length: number])[];
  readonly maps: readonly (readonly [field: string, lengths: readonly (readonly [string, number])[]])[];
};

const TAGS_FIELD = 'x-next-cache-tags';

/** The tags of a page are in its header fields, those of a fetch in its value. */
export function tagsOf(value: NextValue | null): readonly string[] {
  if (value === null) return [];
  const { tags, headers } = value as { tags?: readonly string[]; headers?: Record<string, unknown> };
  const named = headers?.[TAGS_FIELD];
  return [...(Array.isArray(tags) ? tags : []), ...(typeof named === 'string' ? named.split(',') : [])];
}

export function shapeOf(value: NextValue | null): {
  readonly shape: NextShape;
  readonly parts: Uint8Array[];
} {
  if (value === null) return { shape: { fields: null, bytes: [], maps: [] }, parts: [] };
  const fields: Record<string, unknown> = {};
  const bytes: [string, number][] = [];
  const maps: [string, [string, number][]][] = [];
  const [own, ofMaps]: [Uint8Array[], Uint8Array[]] = [[], []];
  for (const [field, its] of Object.entries(value)) {
    if (its instanceof Uint8Array) {
      bytes.push([field, its.length]);
      own.push(its);
    } else if (its instanceof Map) {
      const each = Array.from(its as Map<string, Uint8Array>);
      maps.push([field, each.map(([name, { length }]) => [name, length])]);
      ofMaps.push(...each.map(([, part]) => part));
    } else fields[field] = its;
  }
  return { shape: { fields: fields as Json, bytes, maps }, parts: [...own, ...ofMaps] };
}

/** The value again. @param all its bytes, which it refers to */
export function valueFrom({ fields, bytes, maps }: NextShape, all: Buffer): NextValue | null {
  if (fields === null) return null;
  let end = 0;
  const next = (length: number): Buffer => {
    end += length;
    return all.subarray(end - length, end);
  };
  return {
    ...(fields as NextValue),
    ...Object.fromEntries(bytes.map(([field, length]) => [field, next(length)])),
    ...Object.fromEntries(
      maps.map(([field, lengths]) => [field, new Map(lengths.map(([name, length]) => [name, next(length)]))]),
    ),
  };
}
