import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { closeDescriptor } from '../../os/descriptor.ts';
import { connectUnix } from '../../os/unix-connect.ts';

/**
 * Where endpoints of ours are that nobody but we need find: a folder that only this user can write, so that
 * nobody else can take their names. (An abstract name is whoever's comes first.) Others may pass through it
 * to a name that they were told, as far as the endpoint's mode and ACL let them.
 */
const MODE = 0o711;
const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;
/** A socket file of this age that nobody listens on was left by a process that was killed. */
const LEFT_AFTER_MS = 60_000;
/** Ends names that one process after another listens on. */
const LASTING = '.shared';

let known: string | undefined;

/**
 * The folder of this user, the same for all of its processes; made if need be.
 * @returns undefined where none can be made
 */
export function ownFolder(): string | undefined {
  if (known !== undefined) return known;
  known = candidates().find(isOurs);
  if (known !== undefined) removeLeft(known);
  return known;
}

/** A name for an endpoint of this process: of its user's folder, or of one of its own where there is none. */
export function ownName(kind: string): string {
  known ??= ownFolder() ?? mkdtempSync(join(tmpdir(), 'iolite-'));
  return join(known, `${kind}-${randomBytes(16).toString('hex')}`);
}

/**
 * A name for an endpoint that any process of this user may find, and that another one listens on when its
 * owner is gone. Its socket file stays until then: that it is there says that there was an owner, and who
 * removed it without the lock of the folder might remove that of the next one.
 * @returns undefined where there is no folder
 */
export function lastingName(name: string): string | undefined {
  const folder = ownFolder();
  return folder === undefined ? undefined : join(folder, `${name}${LASTING}`);
}

function candidates(): string[] {
  const uid = process.geteuid?.() ?? 0;
  const run = uid === 0 ? '/run/iolite' : `/run/user/${uid}/iolite`;
  return [run, `/tmp/iolite-${uid}`, `/dev/shm/iolite-${uid}`];
}

/** Whether it is a folder that only this user can write, and others cannot exchange; makes it if need be. */
function isOurs(path: string): boolean {
  try {
    try {
      mkdirSync(path, { mode: MODE });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
    }
    const stats = lstatSync(path);
    const { uid, mode } = stats;
    if (!stats.isDirectory() || uid !== process.geteuid?.() || (mode & WRITABLE_BY_OTHERS) !== 0)
      return false;
    const parent = lstatSync(dirname(path));
    const isParentOurs = parent.uid === 0 || parent.uid === uid;
    const isShared = (parent.mode & WRITABLE_BY_OTHERS) !== 0 && (parent.mode & STICKY) === 0;
    if (!isParentOurs || isShared) return false;
    // Whatever the umask.
    chmodSync(path, MODE);
    return true;
  } catch {
    return false;
  }
}

function removeLeft(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name.endsWith(LASTING)) continue;
    const path = join(folder, name);
    try {
      if (Date.now() - lstatSync(path).mtimeMs < LEFT_AFTER_MS) continue;
      const fd = connectUnix(path);
      if (fd !== undefined) closeDescriptor(fd);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') rmSync(path, { force: true });
    }
  }
}
