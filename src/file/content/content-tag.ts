import crypto, { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { type FileVersion, SETTLE_MS } from '../version/file-version.ts';
import { isTellingDate } from '../version/telling-date.ts';

/**
 * Larger contents are not worth a hash of all their bytes, half a millisecond a MiB: {@link versionTag} is
 * for them.
 */
export const MAX_TAGGED_BYTES = 64 * 1024 ** 2;

/**
 * Of those that every OpenSSL has, the fastest without known collisions: 0.54 ms a MiB where the processor
 * has instructions for it (SHA-1 0.49, BLAKE2b 0.94, SHA-512 1.22).
 */
const ALGORITHM = 'sha256';
/** Of the hash, so that two contents with the same tag are not to be found, by chance or on purpose. */
const TAG_BYTES = 18;
/**
 * What is hashed before others have a turn of the event loop: in a third of a millisecond, or in one and a
 * half without.
 */
const STEP_BYTES = 512 * 1024;

/**
 * A strong entity tag (RFC 9110, 8.8.3) from a hash of the content: the same for the same bytes on every
 * machine. It is hashed in steps of half a MiB, of which, but for the first, the event loop does one a turn,
 * however many contents are under way.
 *
 * O(bytes): about half a millisecond a MiB. Copies nothing.
 * @param parts one behind the other, which nobody changes or releases meanwhile
 * @param signal ends the work with its reason
 */
export async function contentTag(parts: readonly Uint8Array[], signal?: AbortSignal): Promise<string> {
  const hash = createHash(ALGORITHM);
  let left = STEP_BYTES;
  for (const part of parts) {
    for (let start = 0; start < part.length; ) {
      if (left === 0) {
        await nextTurn();
        left = STEP_BYTES;
      }
      signal?.throwIfAborted();
      const end = Math.min(part.length, start + left);
      hash.update(part.subarray(start, end));
      left -= end - start;
      start = end;
    }
  }
  return quoted(hash.digest());
}

/**
 * As {@link contentTag}, at once.
 * @returns undefined for content that others would have to wait for
 */
export function contentTagNow(parts: readonly Uint8Array[]): string | undefined {
  if (parts.reduce((sum, { length }) => sum + length, 0) > STEP_BYTES) return undefined;
  const [first] = parts;
  // In one call, which takes half the time for a small content.
  if (parts.length === 1 && first !== undefined) return quoted(crypto.hash(ALGORITHM, first, 'buffer'));
  const hash = createHash(ALGORITHM);
  for (const part of parts) hash.update(part);
  return quoted(hash.digest());
}

/**
 * An entity tag for a large file, from its size and the time of its last change: the same wherever a copy
 * keeps these, under whatever name, mode and owner. It is strong if they tell the version from others. They
 * do not as long as a further change may leave the time as it is, nor if the date is one that says nothing:
 * then it is weak.
 *
 * O(1), whatever the size.
 */
export function versionTag({ size, mtimeNs }: FileVersion): string {
  const tag = quoted(createHash(ALGORITHM).update(`${size} ${mtimeNs}`).digest());
  const tells = isTellingDate(Number(mtimeNs / 1_000_000n), Date.now() - SETTLE_MS);
  return tells ? tag : `W/${tag}`;
}

function quoted(hash: Buffer): string {
  return `"${hash.toString('base64url', 0, TAG_BYTES)}"`;
}

let lastTurn: Promise<void> = Promise.resolve();

/** Resolves in a turn of the event loop that nobody else was given. */
function nextTurn(): Promise<void> {
  lastTurn = lastTurn.then(() => setImmediate());
  return lastTurn;
}
