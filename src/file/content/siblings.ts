import { type BigIntStats, stat } from 'node:fs';
import { isCodingOf } from '../version/coded-content.ts';
import type { FileVersion } from '../version/file-version.ts';
import type { Coding } from './coding.ts';
import { type Form, formOf } from './form.ts';

/** What of a version tells whether a sibling belongs to it. */
export type DatedSize = Pick<FileVersion, 'size' | 'mtimeNs'>;

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
 * The file that a path may be a sibling of: page.html for page.html.br. Undefined for names that are none of
 * a sibling.
 */
export function fileBeside(path: string): string | undefined {
  const suffix = SUFFIXES.find(([each]) => path.endsWith(each))?.[0];
  return suffix === undefined ? undefined : path.slice(0, -suffix.length);
}

/** How names of siblings end. */
export const SIBLING_ENDINGS: readonly string[] = SUFFIXES.map(([suffix]) => suffix);

/** Where siblings of a file would lie. */
export function siblingPaths(path: string): string[] {
  return SUFFIXES.map(([suffix]) => path + suffix);
}

/** Whether a name may be that of a sibling. */
export function isSiblingName(name: string): boolean {
  return fileBeside(name) !== undefined;
}

/** Whether one of the names is that of a sibling of a file. */
export function hasSibling(name: string, names: ReadonlySet<string>): boolean {
  return names.size > 0 && SUFFIXES.some(([suffix]) => names.has(name + suffix));
}

/**
 * The forms of a file that somebody has put beside it: page.html.br, page.html.zst, page.html.gz, as far as
 * {@link isFormOf} admits them, and they are of this content: one that was made of an earlier version is
 * none, whatever its date. What cannot be read is not there.
 *
 * Costs a stat for each of the three, at the same time, and the reading of those there are, with what
 * {@link isCodingOf} costs.
 * @param content of the file, in pieces
 * @param read reads a sibling as a whole, with the version that it is of
 */
export async function loadSiblings(
  path: string,
  version: DatedSize,
  content: readonly Uint8Array[],
  read: (path: string) => Promise<{ readonly version: DatedSize; readonly bytes: Buffer }>,
): Promise<Form[]> {
  const siblings = await siblingsOf(path, version);
  const forms = await Promise.all(
    siblings.map(async sibling => {
      try {
        const loaded = await read(sibling.path);
        // It may be another one by now.
        if (!isFormOf(loaded.version, version)) return undefined;
        if (!(await isCodingOf(sibling.coding, loaded.bytes, content))) return undefined;
        return await formOf(sibling.coding, [loaded.bytes]);
      } catch {
        return undefined;
      }
    }),
  );
  return forms.filter(form => form !== undefined);
}

/** The siblings that there are, in the order of preference. */
export async function siblingsOf(path: string, version: DatedSize): Promise<Sibling[]> {
  const found = await Promise.all(
    SUFFIXES.map(async ([suffix, coding]) => {
      const sibling = { coding, path: `${path}${suffix}` };
      const stats = await statOf(sibling.path);
      if (stats?.isFile() !== true) return undefined;
      return isFormOf({ size: Number(stats.size), mtimeNs: stats.mtimeNs }, version) ? sibling : undefined;
    }),
  );
  return found.filter(sibling => sibling !== undefined);
}

/**
 * Whether a sibling in this version can be a form of the file in that one: it is not older, or it may have
 * been made of an earlier version; and it is smaller, or it is of no use.
 */
function isFormOf(sibling: DatedSize, file: DatedSize): boolean {
  return sibling.mtimeNs >= file.mtimeNs && sibling.size < file.size && sibling.size > 0;
}

/** Mostly there is none, and a promise that rejects costs several times as much as this. */
function statOf(path: string): Promise<BigIntStats | undefined> {
  return new Promise(resolve => {
    stat(path, { bigint: true }, (error, stats) => resolve(error === null ? stats : undefined));
  });
}
