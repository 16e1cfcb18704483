import { stat } from 'node:fs/promises';
import type { Coding } from './file-cache.ts';
import type { FileVersion } from './load.ts';

/** A file beside another one that has its content in another coding. */
export interface Sibling {
  readonly coding: Coding;
  readonly path: string;
}

/** In the order of preference. */
const SUFFIXES: readonly [suffix: string, coding: Coding][] = [
  ['.br', 'br'],
  ['.zst', 'zstd'],
  ['.gz', 'gzip'],
];

/**
 * The forms of a file that somebody has put beside it: page.html.br, page.html.zst, page.html.gz. Only those that {@link isFormOf}
 * admits. What cannot be looked at is not there.
 *
 * Costs a stat for each of the three, at the same time, outside of the event loop.
 */
export async function siblingsOf(
  path: string,
  version: Pick<FileVersion, 'size' | 'mtimeNs'>,
): Promise<Sibling[]> {
  const found = await Promise.all(
    SUFFIXES.map(async ([suffix, coding]) => {
      const sibling = { coding, path: `${path}${suffix}` };
      const stats = await stat(sibling.path, { bigint: true }).catch(() => undefined);
      if (stats?.isFile() !== true) return undefined;
      return isFormOf({ size: Number(stats.size), mtimeNs: stats.mtimeNs }, version) ? sibling : undefined;
    }),
  );
  return found.filter(sibling => sibling !== undefined);
}

/**
 * Whether a sibling in this version can be a form of the file in that one: it is not older, or it may have been made of an
 * earlier version; and it is smaller, or it is of no use.
 */
export function isFormOf(
  sibling: Pick<FileVersion, 'size' | 'mtimeNs'>,
  file: Pick<FileVersion, 'size' | 'mtimeNs'>,
): boolean {
  return sibling.mtimeNs >= file.mtimeNs && sibling.size < file.size && sibling.size > 0;
}
