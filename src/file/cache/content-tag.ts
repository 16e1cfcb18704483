import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { FileVersion } from '../version/file-version.ts';

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
 * An entity tag for a large file, from what the disk tells of its version. It is strong, as every write
 * changes a file's times, which nobody can set back both; but the same file on another machine has another
 * one. A version that is not settled may change without a trace: its tag is weak.
 *
 * O(1), whatever the size.
 */
export function versionTag(version: FileVersion, settled: boolean): string {
  const { device, inode, size, mtimeNs, ctimeNs } = version;
  // Hashed, as the number of an inode is nobody's business.
  const hash = createHash(ALGORITHM).update([device, inode, size, mtimeNs, ctimeNs].join());
  return settled ? quoted(hash.digest()) : `W/${quoted(hash.digest())}`;
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
