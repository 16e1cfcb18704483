import type { BigIntStats } from 'node:fs';
import { IoliteError } from '../../base/error.ts';

/** What tells one version of a file from another. */
export interface FileVersion {
  readonly device: bigint;
  readonly inode: bigint;
  readonly size: number;
  readonly mtimeNs: bigint;
  /** Of the last change of content, attributes or names: nobody can set it. */
  readonly ctimeNs: bigint;
  /** How many names the file has. */
  readonly names: number;
}

/**
 * How old a change must be so that a later one shows in the time stamps: the coarsest clock of local file
 * systems ticks every 10 ms; a few of these.
 */
export const SETTLE_MS = 50;
const SETTLE_NS = BigInt(SETTLE_MS) * 1_000_000n;
/** How old it must be before the content is read: who writes in one call has likely ended. */
const CALM_NS = 20_000_000n;
/** What was changed a moment ago may have a later stamp than that: Date.now() has whole milliseconds. */
const CLOCK_STEP_NS = 1_000_000n;

/**
 * The version that stat(2) tells of.
 * @throws EISDIR; ERR_IOLITE_FILE for what is no regular file
 */
export function versionOf(stat: BigIntStats, path: string): FileVersion {
  if (stat.isDirectory()) throw new IoliteError('EISDIR', `Cannot read ${path}: it is a directory`);
  if (!stat.isFile())
    throw new IoliteError('ERR_IOLITE_FILE', `Cannot read ${path}: it is not a regular file`);
  const { dev, ino, size, mtimeNs, ctimeNs, nlink } = stat;
  return { device: dev, inode: ino, size: Number(size), mtimeNs, ctimeNs, names: Number(nlink) };
}

/** Whether two versions are one. */
export function sameVersion(a: FileVersion, b: FileVersion): boolean {
  return a.ctimeNs === b.ctimeNs && sameContent(a, b);
}

/**
 * Whether they are one as far as the content goes: a file that is replaced changes its ctime, as it loses a
 * name.
 */
export function sameContent(a: FileVersion, b: FileVersion): boolean {
  return a.mtimeNs === b.mtimeNs && a.size === b.size && a.inode === b.inode && a.device === b.device;
}

/** Whether a later change must show in the version. */
export function isSettled(version: FileVersion): boolean {
  return age(version) > SETTLE_NS;
}

/** Milliseconds until a file that was changed a moment ago is calm enough to be read. */
export function untilCalm(version: FileVersion): number {
  const left = CALM_NS - age(version);
  return left <= 0n || left > CALM_NS + CLOCK_STEP_NS ? 0 : Math.ceil(Number(left) / 1e6);
}

function age({ ctimeNs }: FileVersion): bigint {
  return BigInt(Date.now()) * 1_000_000n - ctimeNs;
}
