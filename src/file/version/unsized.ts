import type { FileHandle } from 'node:fs/promises';
import { IoliteError } from '../../base/error.ts';

/** Most bytes of a file whose size says nothing: those of /proc have kilobytes. */
const MAX_UNSIZED_BYTES = 16 * 1024 ** 2;
const READ_BYTES = 64 * 1024;

/** What stat(2) says of how much there is. */
export interface StatedSize {
  readonly size: bigint;
  readonly blocks: bigint;
}

/**
 * Whether a file has another number of bytes than its size says, as those of /proc (0) and /sys (4096): they
 * are made when they are read. Costs a read of one byte where no block is taken on a disk, and nothing
 * otherwise.
 */
export async function isUnsized(handle: FileHandle, { size, blocks }: StatedSize): Promise<boolean> {
  if (blocks > 0n) return false;
  const length = Number(size);
  const { bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, Math.max(0, length - 1));
  return bytesRead !== Math.min(1, length);
}

/**
 * All of a file whose size says nothing. @throws ERR_IOLITE_FILE when it does not end
 */
export async function readUnsized(handle: FileHandle, path: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for (;;) {
    const part = Buffer.alloc(READ_BYTES);
    const { bytesRead } = await handle.read(part, 0, part.length, length);
    if (bytesRead === 0) return Buffer.concat(parts, length);
    parts.push(part.subarray(0, bytesRead));
    length += bytesRead;
    if (length > MAX_UNSIZED_BYTES) {
      throw new IoliteError(
        'ERR_IOLITE_FILE',
        `Cannot read ${path}: its size is unknown and it does not end`,
      );
    }
  }
}
