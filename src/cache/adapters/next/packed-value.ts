import { Aggregate } from '../../../aggregate/aggregate.ts';
import type { Json } from '../../../base/json.ts';
import type { SharedCache } from '../../shared-cache.ts';
import type { KeepOptions } from '../../value-facts.ts';

/** What is said of bytes in JSON, and the bytes: one value of a shared cache. */
export interface PackedValue {
  readonly head: Json;
  readonly bytes: Buffer;
}

/** What the length of the head takes, before it. */
const LENGTH_BYTES = 4;

/** Keeps it, or does not: a cache that fails is as one that evicts. */
export async function keepPacked(
  cache: SharedCache,
  key: string,
  head: Json,
  parts: readonly Uint8Array[],
  options: KeepOptions,
): Promise<void> {
  const said = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(said.length);
  await cache.set(key, Buffer.concat([length, said, ...parts]), options);
}

/** What was kept: bytes of the caller's own, copied. @returns undefined where there is none */
export async function findPacked(cache: SharedCache, key: string): Promise<PackedValue | undefined> {
  const value = await cache.get(key);
  if (!Aggregate.isAggregate(value)) return undefined;
  let all: Buffer;
  try {
    all = value.toBuffer();
  } finally {
    value.release();
  }
  if (all.length < LENGTH_BYTES) return undefined;
  const end = LENGTH_BYTES + all.readUInt32LE();
  try {
    return {
      head: JSON.parse(all.toString('utf8', LENGTH_BYTES, end)) as Json,
      bytes: all.subarray(end),
    };
  } catch {
    // Somebody else has put something else there.
    return undefined;
  }
}
