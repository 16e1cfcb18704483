import type { FileHandle } from 'node:fs/promises';
import type { FileVersion } from './file-version.ts';

/** What of a file is read again at once. */
const AGAIN_BYTES = 1024 ** 2;

/**
 * Whether a file may have been appended to: it is the same one, and longer. That the bytes it had are
 * unchanged the stamps do not tell, as a rewriting moves them too: see {@link readsTheSame}.
 */
export function hasGrown(before: FileVersion, after: FileVersion): boolean {
  return after.size > before.size && after.inode === before.inode && after.device === before.device;
}

/**
 * Whether a file has, a second time, the bytes that were read of it into pieces. If so, then between the two
 * readings there was a moment at which it had all of them, whoever wrote to it meanwhile: a byte that both
 * readings found was there all the time from the one to the other. (But for one that was exchanged and put
 * back between its two readings.)
 *
 * O(bytes), outside of the event loop but for the comparison, which takes 0.02 ms a MiB.
 * @param position of the first piece's first byte in the file
 */
export async function readsTheSame(
  handle: FileHandle,
  pieces: readonly { readonly bytes: Uint8Array }[],
  position: number,
): Promise<boolean> {
  const length = pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const again = Buffer.allocUnsafeSlow(Math.min(length, AGAIN_BYTES));
  let at = position;
  for (const { bytes } of pieces) {
    for (let from = 0; from < bytes.length; ) {
      const wanted = Math.min(again.length, bytes.length - from);
      const { bytesRead } = await handle.read(again, 0, wanted, at);
      const found = again.subarray(0, bytesRead);
      if (bytesRead === 0 || !found.equals(bytes.subarray(from, from + bytesRead))) return false;
      from += bytesRead;
      at += bytesRead;
    }
  }
  return true;
}
