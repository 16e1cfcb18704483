import { libc } from './libc.ts';

/** Most bytes that the names, and one value, can have (xattr(7)). */
const MAX_BYTES = 64 * 1024;
/** Capabilities and signatures are not among them: they vouch for the content they were given to. */
const KEPT = /^(user\.|system\.posix_acl_access$|security\.selinux$)/;

/**
 * Gives one file the extended attributes of another: those of users, the access list, the security label.
 * What may not be read or set, or cannot be kept by the file system, is left off.
 */
export function copyAttributes(from: number, to: number): void {
  const names = Buffer.alloc(MAX_BYTES);
  const length = libc().flistxattr(from, names, MAX_BYTES);
  if (length <= 0) return;
  const value = Buffer.alloc(MAX_BYTES);
  for (const name of names.toString('utf8', 0, length - 1).split('\0')) {
    if (!KEPT.test(name)) continue;
    const size = libc().fgetxattr(from, name, value, MAX_BYTES);
    if (size >= 0) libc().fsetxattr(to, name, value, size, 0);
  }
}
