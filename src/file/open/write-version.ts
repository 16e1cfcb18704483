import type { BigIntStats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Aggregate } from '../../aggregate/aggregate.ts';
import { IoliteError, SystemError, systemError } from '../../base/error.ts';
import { ignore } from '../../base/ignore.ts';
import { EAGAIN } from '../../os/constants.ts';
import { copyFileRange } from '../../os/copy-file-range.ts';
import { dropFlock, tryFlock } from '../../os/flock.ts';
import { copyAttributes } from '../../os/xattr.ts';
import { deviceKindOf } from '../watch/file-system.ts';
import { DiskVersion } from './disk-version.ts';
import type { FrozenContent } from './file-content.ts';
import { HeldFolder } from './held-folder.ts';
import { NewFile } from './new-file.ts';

/** Views, and about as many bytes, that one call writes. */
const VIEWS = 512;
const WRITE_BYTES = 16 * 1024 ** 2;
/** Copied by one call, so that none occupies its thread for long. */
const COPY_BYTES = 64 * 1024 ** 2;
const BUFFER_BYTES = 1024 ** 2;
/** While another process replaces the same file. */
const LOCK_TRIES = 3000;
const LOCK_PAUSE_MS = 10;

/** Where a version is put. */
interface Place {
  /** For people. */
  readonly path: string;
  /** In the folder that is held. */
  readonly name: string;
}

/**
 * Writes a whole new version of a file beside the old one, waits until the disk has it, and puts it in the
 * old one's place: whoever opens the path, and whoever looks after a crash, finds the one or the other.
 * Ranges that did not change are copied inside of the kernel, or shared where the file system can. Mode,
 * owner, access list, label and user's attributes are kept as far as this process may set them.
 *
 * The folder is held meanwhile: nothing is written elsewhere when somebody puts links in the place of folders
 * on the way.
 *
 * Processes that replace the same file this way exclude each other by a lock on the version that goes.
 * @param path real
 * @param previous the version that `frozen` refers to, and that is to go; undefined when there must be none
 * @param named called when it has its name, which is not on disk for certain until {@link syncFolder}
 * @returns the new version
 * @throws ERR_IOLITE_CONFLICT when the path refers to another version, and that of a new file leads through a
 *   link; ERR_IOLITE_FILE when it has several names; SystemError: ENOSPC, EDQUOT, EFBIG, EIO, EACCES, EPERM,
 *   EROFS. Then the file on disk is as it was
 */
export async function writeVersion(
  path: string,
  frozen: FrozenContent,
  previous: DiskVersion | undefined,
  named: () => void = () => {},
): Promise<DiskVersion> {
  try {
    await using folder = await HeldFolder.open(dirname(path));
    // The version that goes says which folder it is; a file that is new has nothing but the path.
    if (previous === undefined && folder.realPath !== dirname(path)) throw conflict(path);
    const place: Place = { path, name: folder.file(basename(path)) };
    const file = await NewFile.create(folder.path, previous !== undefined);
    let asWritten: BigIntStats;
    try {
      asWritten = await (previous === undefined
        ? writeNew(file, place, frozen)
        : writeOver(file, place, frozen, previous));
    } catch (error) {
      await file.discard();
      throw error;
    }
    named();
    return await versionThatHasItsName(file, path, asWritten);
  } catch (error) {
    throw systemError(error, `Cannot write ${path}`);
  }
}

/**
 * Nothing here is an error: the path refers to the new version already, and who was told otherwise would take
 * it for somebody else's.
 */
async function versionThatHasItsName(
  file: NewFile,
  path: string,
  asWritten: BigIntStats,
): Promise<DiskVersion> {
  const { handle, closed } = await file.reopen();
  const [written] = await Promise.all([
    handle.stat({ bigint: true }).catch(() => asWritten),
    // The disk has all of it.
    closed.catch(ignore),
  ]);
  return new DiskVersion(handle, written, { fileSystem: await deviceKindOf(written.dev, path), asWritten });
}

/** Waits until the disk has the names in the folder of a path. @throws SystemError: EIO */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(dirname(path));
    await folder.sync().finally(() => folder.close());
  } catch (error) {
    throw systemError(error, `Cannot make ${path} durable`);
  }
}

/** @returns what is known of it before it has its name */
async function writeNew(file: NewFile, { path, name }: Place, frozen: FrozenContent): Promise<BigIntStats> {
  await writeParts(file.handle, frozen, undefined);
  await file.handle.sync();
  const asWritten = await file.handle.stat({ bigint: true });
  await file.appear(name).catch(error => {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? conflict(path) : error;
  });
  return asWritten;
}

/** @returns as {@link writeNew} */
async function writeOver(
  file: NewFile,
  place: Place,
  frozen: FrozenContent,
  previous: DiskVersion,
): Promise<BigIntStats> {
  await lock(previous, place.path);
  try {
    await checkUnchanged(previous, place);
    await writeParts(file.handle, frozen, previous.handle);
    await keepAttributes(previous.handle, file.handle);
    await file.handle.sync();
    const [asWritten] = await Promise.all([
      file.handle.stat({ bigint: true }),
      checkUnchanged(previous, place),
    ]);
    await file.replace(place.name);
    return asWritten;
  } finally {
    dropFlock(previous.handle.fd);
  }
}

/** Who waits here mostly finds that the version it was to replace is gone. */
async function lock({ handle }: DiskVersion, path: string): Promise<void> {
  for (let attempt = 0; attempt < LOCK_TRIES; attempt++) {
    if (tryFlock(handle.fd)) return;
    await setTimeout(LOCK_PAUSE_MS);
  }
  throw new SystemError('flock', EAGAIN, `Cannot replace ${path}: another process keeps it locked`);
}

async function checkUnchanged(previous: DiskVersion, { path, name }: Place): Promise<void> {
  const names = await previous.namesAt(name);
  if (names === undefined) throw conflict(path);
  if (names > 1) throw new IoliteError('ERR_IOLITE_FILE', `Cannot replace ${path}: it has ${names} names`);
}

async function writeParts(
  handle: FileHandle,
  { size, parts }: FrozenContent,
  old: FileHandle | undefined,
): Promise<void> {
  const [first] = parts;
  const isWritten = first?.kind === 'memory' && first.start === 0 && first.bytes.length === size;
  // What nobody wrote stays a hole.
  if (!isWritten) await handle.truncate(size);
  for (const part of parts) {
    if (part.kind === 'memory') await writeBytes(handle, part.start, part.bytes);
    else if (part.kind === 'disk' && old !== undefined) await copyBytes(old, handle, part.start, part.end);
  }
}

async function writeBytes(handle: FileHandle, start: number, bytes: Aggregate): Promise<void> {
  let position = start;
  for (const batch of batches(bytes.gather().memory())) {
    for (let views = batch; views.length > 0; ) {
      const { bytesWritten } = await handle.writev(views, position);
      position += bytesWritten;
      views = after(views, bytesWritten);
    }
  }
}

function* batches(views: readonly Uint8Array[]): Generator<Uint8Array[]> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for (const view of views) {
    batch.push(view);
    bytes += view.length;
    if (batch.length < VIEWS && bytes < WRITE_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

/** What is left of views when their first `count` bytes are gone. */
function after(views: readonly Uint8Array[], count: number): Uint8Array[] {
  let left = count;
  let i = 0;
  for (; i < views.length && left >= (views[i] as Uint8Array).length; i++)
    left -= (views[i] as Uint8Array).length;
  const rest = views.slice(i);
  if (left > 0) rest[0] = (rest[0] as Uint8Array).subarray(left);
  return rest;
}

async function copyBytes(from: FileHandle, to: FileHandle, start: number, end: number): Promise<void> {
  let at = start;
  while (at < end) {
    const copied = await copyFileRange(from.fd, to.fd, at, Math.min(COPY_BYTES, end - at));
    if (copied === 0) break;
    at += copied;
  }
  // What keeps the kernel from it, a disk that is full for instance, shows here again, with its reason.
  const buffer = at < end ? Buffer.allocUnsafe(Math.min(BUFFER_BYTES, end - at)) : undefined;
  while (buffer !== undefined && at < end) {
    const { bytesRead } = await from.read(buffer, 0, Math.min(buffer.length, end - at), at);
    // Somebody cut it meanwhile, which is found before it is replaced.
    if (bytesRead === 0) return;
    const { bytesWritten } = await to.write(buffer, 0, bytesRead, at);
    at += bytesWritten;
  }
}

async function keepAttributes(from: FileHandle, to: FileHandle): Promise<void> {
  const [{ uid, gid, mode }, ours] = await Promise.all([from.stat(), to.stat()]);
  const owned = (ours.uid === uid && ours.gid === gid) || (await changeOwner(to, uid, gid, ours.uid));
  copyAttributes(from.fd, to.fd);
  // What a program may do as its owner it must not do as another.
  await to.chmod(owned ? mode & 0o7777 : mode & 0o777);
}

/**
 * @param own the owner that it has
 * @returns whether owner and group are those wanted; otherwise the group is, if this process may set it
 */
async function changeOwner(handle: FileHandle, uid: number, gid: number, own: number): Promise<boolean> {
  try {
    await handle.chown(uid, gid);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    await handle.chown(own, gid).catch(() => {});
    return false;
  }
}

function conflict(path: string): IoliteError {
  return new IoliteError(
    'ERR_IOLITE_CONFLICT',
    `Cannot replace ${path}: it changed on disk since it was read`,
  );
}
