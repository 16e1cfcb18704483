import { constants, existsSync } from 'node:fs';
import { AT_FDCWD, AT_SYMLINK_FOLLOW, O_TMPFILE_ALONE } from './constants.ts';
import { checked, libc } from './libc.ts';

/**
 * Flags that open a file without a name in a folder (O_TMPFILE of open(2)): it goes with its last descriptor,
 * so nothing is left of it whenever its maker dies. Not all file systems can: they answer EOPNOTSUPP, or
 * EISDIR.
 */
export const NAMELESS = O_TMPFILE_ALONE | constants.O_DIRECTORY | constants.O_RDWR;

let hasDescriptors: boolean | undefined;

/** Whether a descriptor can be given a name: the kernel is told which by its path in /proc. */
export function canNameFiles(): boolean {
  hasDescriptors ??= existsSync('/proc/self/fd');
  return hasDescriptors;
}

/**
 * Gives a nameless file a name (linkat(2)), at once and only if nothing has it.
 * @throws SystemError: EEXIST, EACCES, EROFS, ENOSPC
 */
export function nameFile(fd: number, path: string): void {
  const result = libc().linkat(AT_FDCWD, `/proc/self/fd/${fd}`, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
  checked(result, 'linkat', `Cannot create ${path}`);
}
