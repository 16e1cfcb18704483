import { statfsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { RecentMap } from '../../base/recent-map.ts';

/**
 * File systems of this machine alone, of which inotify(7) tells all changes: nobody else writes to them. By
 * the magic numbers of statfs(2).
 */
const WATCHABLE = new Set([
  0xef53, // ext2, ext3, ext4
  0x5846_5342, // XFS
  0x9123_683e, // Btrfs
  0xca45_1a4e, // bcachefs
  0x2fc1_2fc1, // ZFS
  0xf2f5_2010, // F2FS
  0x5265_4973, // ReiserFS
  0x3153_464a, // JFS
  0x0102_1994, // tmpfs
  0x8584_58f6, // ramfs
  0x7371_7368, // SquashFS
  0xe0f5_e1e2, // EROFS
  0x9660, // ISO 9660
  0x4d44, // FAT
  0x2011_bab0, // exFAT
]);

/** In whose layers others may write, unnoticed. */
const OVERLAYFS = 0x794c_7630;
const REMEMBERED_DEVICES = 64;

/**
 * What a file system is to who reads from it: 'watchable', of this machine, and tells of all changes;
 * 'local', of this machine, and what is known of it is in memory; 'remote', or nobody knows: NFS, SMB, FUSE,
 * 9P, where a change elsewhere is not told of, and to ask may take long.
 */
export type FileSystemKind = 'watchable' | 'local' | 'remote';

/** What the file system of a directory is. Never fails. */
export async function fileSystemKindOf(path: string): Promise<FileSystemKind> {
  try {
    return kindOf((await statfs(path)).type);
  } catch {
    return 'remote';
  }
}

/** As {@link fileSystemKindOf}, at once: one of another machine may take long to say what it is. */
export function fileSystemKindNow(path: string): FileSystemKind {
  try {
    return kindOf(statfsSync(path).type);
  } catch {
    return 'remote';
  }
}

/** By device: see {@link deviceKindOf}. The least recently met go first. */
const devices = new RecentMap<bigint, FileSystemKind>(REMEMBERED_DEVICES);

/**
 * What the file system of a device is, which is remembered: a device number may be another one's later, so
 * it says how to read, and not what is right.
 * @param path of something on it
 */
export async function deviceKindOf(device: bigint, path: string): Promise<FileSystemKind> {
  const known = devices.get(device);
  if (known !== undefined) return known;
  const kind = await fileSystemKindOf(path);
  devices.set(device, kind);
  return kind;
}

function kindOf(type: number): FileSystemKind {
  if (WATCHABLE.has(type)) return 'watchable';
  return type === OVERLAYFS ? 'local' : 'remote';
}
