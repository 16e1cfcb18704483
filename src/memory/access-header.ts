import { type AccessList, MAX_ACL_ENTRIES } from './acl.ts';

/**
 * The ACL of a chunk's pool, in the chunk's header: so it goes wherever the chunk goes, and nobody but the
 * pool's owner can have written it. Little-endian.
 *
 *     32  kind  u32: 0 nobody is excluded, 1 only the following are admitted
 *     36  how many uids, gids and pids follow: u32 each, together at most 1000
 *     48  uids, gids, pids: u32 each
 */
const KIND_AT = 32;
const COUNTS_AT = 36;
const ENTRIES_AT = 48;
const EVERYONE = 0x0;
const LISTED = 0x1;

export function writeAccessList(chunk: Buffer, acl: AccessList): void {
  chunk.writeUInt32LE(acl === 'everyone' ? EVERYONE : LISTED, KIND_AT);
  const lists = acl === 'everyone' ? [[], [], []] : [acl.uids, acl.gids, acl.pids];
  let at = COUNTS_AT;
  for (const { length } of lists) at = chunk.writeUInt32LE(length, at);
  for (const entry of lists.flat()) at = chunk.writeUInt32LE(entry, at);
}

/** Where an ACL ends in a header: what follows is free. */
export function endOfAccessList(acl: AccessList): number {
  const entries = acl === 'everyone' ? 0 : acl.uids.length + acl.gids.length + acl.pids.length;
  return ENTRIES_AT + 4 * entries;
}

/** The ACL in a header that another domain wrote, or undefined when it is none. */
export function readAccessList(chunk: Buffer): AccessList | undefined {
  const kind = chunk.readUInt32LE(KIND_AT);
  const counts = [0, 4, 8].map(offset => chunk.readUInt32LE(COUNTS_AT + offset));
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (kind === EVERYONE && total === 0) return 'everyone';
  if (kind !== LISTED || total > MAX_ACL_ENTRIES) return undefined;
  let at = ENTRIES_AT;
  const [uids = [], gids = [], pids = []] = counts.map(count =>
    Array.from({ length: count }, () => {
      at += 4;
      return chunk.readUInt32LE(at - 4);
    }),
  );
  return { uids, gids, pids };
}
