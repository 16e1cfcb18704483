import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { ResponseFacts } from '../proxy/cache/response-facts.ts';

/** What the length of the head takes, before it. */
const LENGTH_BYTES = 4;

/** A response as one value: its facts as JSON, and its content. */
export function packedResponse(facts: ResponseFacts, parts: readonly Uint8Array[]): Buffer {
  const head = Buffer.from(JSON.stringify(facts));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(head.length);
  return Buffer.concat([length, head, ...parts]);
}

/**
 * What was packed; the content shares its memory, and is the caller's to release.
 * @param packed taken over
 * @returns undefined where it is something else
 */
export function unpackedResponse(
  packed: Aggregate,
): { readonly facts: ResponseFacts; readonly content: Aggregate } | undefined {
  try {
    const end = LENGTH_BYTES + packed.readUInt32LE(0);
    const facts = JSON.parse(packed.toString('utf8', LENGTH_BYTES, end)) as ResponseFacts;
    return facts?.kind === 'response' ? { facts, content: packed.slice(end) } : undefined;
  } catch {
    return undefined;
  } finally {
    packed.release();
  }
}
