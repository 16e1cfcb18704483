import { fstatSync } from 'node:fs';
import { SystemError } from '../../base/error.ts';
import {
  EBADFD,
  LANDLOCK_CREATE_RULESET_VERSION,
  LANDLOCK_RULE_PATH_BENEATH,
  O_CLOEXEC,
  O_PATH,
  PR_SET_NO_NEW_PRIVS,
  SYS_LANDLOCK_ADD_RULE,
  SYS_LANDLOCK_CREATE_RULESET,
  SYS_LANDLOCK_RESTRICT_SELF,
} from '../constants.ts';
import { closeDescriptor } from '../descriptor.ts';
import { checked, lastErrno, libc, unsupportedReason } from '../libc.ts';

/** Files that a process may open, each with all that lies below it. What is not there is left out. */
export interface FileAccess {
  /** To read, list and execute. */
  readonly read: readonly string[];
  /** To write, and to make files in. */
  readonly write: readonly string[];
}

/** Rights of landlock(7), and since which version of it. */
const Right = {
  EXECUTE: 1n << 0n,
  WRITE_FILE: 1n << 1n,
  READ_FILE: 1n << 2n,
  READ_DIR: 1n << 3n,
  MAKE_REG: 1n << 8n,
  /** Since 2: to move a file to another directory. Before, and without it, that is always refused. */
  REFER: 1n << 13n,
  /** Since 3. */
  TRUNCATE: 1n << 14n,
} as const;
/** From executing to making symbolic links: what the first version knows. */
const FIRST_RIGHTS = (1n << 13n) - 1n;
const [REFER_SINCE_VERSION, TRUNCATE_SINCE_VERSION] = [2, 3];
/** What can be said of something that is no directory. */
const FILE_RIGHTS = Right.EXECUTE | Right.WRITE_FILE | Right.READ_FILE | Right.TRUNCATE;
const READ = Right.EXECUTE | Right.READ_FILE | Right.READ_DIR;
const WRITE = Right.WRITE_FILE | Right.MAKE_REG | Right.TRUNCATE;
/** Since 6: signals go to those alone that the process started after it was restricted, and to itself. */
const SCOPE_SIGNAL = 0x2n;
const SCOPES_SINCE_VERSION = 6;
const WORD_BYTES = 8;

/** Which version of Landlock the kernel has (landlock(7)); 0 where it has none, or does not let us. */
export function landlockVersion(): number {
  if (unsupportedReason() !== undefined) return 0;
  const { landlockCreateRuleset } = libc();
  return Math.max(
    0,
    landlockCreateRuleset(SYS_LANDLOCK_CREATE_RULESET, null, 0, LANDLOCK_CREATE_RULESET_VERSION),
  );
}

/**
 * Lets this thread open no other files from now on, nor what it becomes or starts (landlock(7)). What is open
 * stays so; to look at names, attributes and links of others stays possible, to change their modes and times,
 * and to connect to sockets. Other processes but those that it starts are sent no signals any more, as of
 * Linux 6.12. It cannot be taken back, and privileges cannot be gained any more by executing (no_new_privs).
 * @returns false where the kernel has no Landlock
 * @throws SystemError
 */
export function restrictFiles({ read, write }: FileAccess): boolean {
  const version = landlockVersion();
  if (version === 0) return false;
  const handled =
    FIRST_RIGHTS |
    (version >= REFER_SINCE_VERSION ? Right.REFER : 0n) |
    (version >= TRUNCATE_SINCE_VERSION ? Right.TRUNCATE : 0n);
  const { landlockCreateRuleset, landlockRestrictSelf, prctl } = libc();
  const attributes = attributesOf(handled, version);
  const ruleset = checked(
    landlockCreateRuleset(SYS_LANDLOCK_CREATE_RULESET, attributes, attributes.length, 0),
    'landlock_create_ruleset',
    'Cannot restrict files',
  );
  try {
    for (const path of read) allow(ruleset, path, READ & handled);
    for (const path of write) allow(ruleset, path, WRITE & handled);
    checked(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 'prctl', 'Cannot give up privileges');
    checked(
      landlockRestrictSelf(SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0),
      'landlock_restrict_self',
      'Cannot restrict files',
    );
  } finally {
    closeDescriptor(ruleset);
  }
  return true;
}

/** struct landlock_ruleset_attr: rights to files, to the network, scopes; older kernels know the first. */
function attributesOf(handled: bigint, version: number): Buffer {
  const hasScopes = version >= SCOPES_SINCE_VERSION;
  const attributes = Buffer.alloc(hasScopes ? 3 * WORD_BYTES : WORD_BYTES);
  attributes.writeBigUInt64LE(handled);
  if (hasScopes) attributes.writeBigUInt64LE(SCOPE_SIGNAL, 2 * WORD_BYTES);
  return attributes;
}

function allow(ruleset: number, path: string, rights: bigint): void {
  const { open, landlockAddRule } = libc();
  const fd = open(path, O_PATH | O_CLOEXEC, 0);
  // What is not there, or cannot be reached, is not opened anyway.
  if (fd === -1) return;
  try {
    const rule = Buffer.alloc(WORD_BYTES + 4);
    rule.writeBigUInt64LE(fstatSync(fd).isDirectory() ? rights : rights & FILE_RIGHTS);
    rule.writeInt32LE(fd, WORD_BYTES);
    if (landlockAddRule(SYS_LANDLOCK_ADD_RULE, ruleset, LANDLOCK_RULE_PATH_BENEATH, rule, 0) === 0) return;
    const errno = lastErrno();
    // A pipe without a name, as /dev/stdout may lead to: that is no file.
    if (errno !== EBADFD) throw new SystemError('landlock_add_rule', errno, `Cannot allow ${path}`);
  } finally {
    closeDescriptor(fd);
  }
}
