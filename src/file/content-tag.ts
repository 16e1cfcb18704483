import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Aggregate } from '../aggregate/aggregate.ts';
import type { FileVersion } from './version.ts';

/**
 * Larger contents are not worth a hash of all their bytes, half a millisecond a MiB: {@link versionTag} is for them.
 */
export const MAX_TAGGED_BYTES = 64 * 1024 ** 2;

/**
 * Of those that every OpenSSL has, the fastest without known collisions: 0.54 ms a MiB where the processor has instructions for
 * it (SHA-1 0.49, BLAKE2b 0.94, SHA-512 1.22).
 */
const ALGORITHM = 'sha256';
/** Of the hash, so that two contents with the same tag are not to be found, by chance or on purpose. */
const TAG_BYTES = 18;
/** What is hashed in one turn of the event loop: a third of a millisecond, one and a half without such instructions. */
const STEP_BYTES = 512 * 1024;
/** Contents of this size and less are hashed at once, in 40 microseconds. */
const SMALL_BYTES = 64 * 1024;

/**
 * A strong entity tag (RFC 9110, 8.8.3) from a hash of the content: the same for the same bytes on every machine. A large
 * content is hashed in steps, of which the event loop does one a turn, however many contents are under way.
 *
 * O(bytes): about half a millisecond a MiB. Copies nothing.
 * @param signal ends the work with its reason
 */
export async function contentTag(content: Aggregate, signal?: AbortSignal): Promise<string> {
  using held = content.duplicate();
  return await bytesTag(held.views(), signal);
}

/** As {@link contentTag}, of bytes in ordinary memory that nobody changes meanwhile. */
export async function bytesTag(parts: readonly Uint8Array[], signal?: AbortSignal): Promise<string> {
  const hash = createHash(ALGORITHM);
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  for (const part of parts) {
    for (let start = 0; start < part.length; start += STEP_BYTES) {
      if (length > SMALL_BYTES) await nextTurn();
      signal?.throwIfAborted();
      hash.update(part.subarray(start, start + STEP_BYTES));
    }
  }
  return quoted(hash.digest());
}

/**
 * An entity tag for a large file, from what the disk tells of its version. It is strong, as every write changes a file's times,
 * which nobody can set back both; but the same file on another machine has another one. A version that is not settled may change
 * without a trace: its tag is weak.
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
