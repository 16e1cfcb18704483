import type { AccessList, Credentials } from '../../memory/acl.ts';
import { type ChunkRange, HEADER_BYTES, PAGE_BYTES } from '../../memory/chunk.ts';
import { ChunkPool } from '../../memory/chunk-pool.ts';
import { admitsSeveral, Division, groupIn } from '../../memory/division.ts';
import type { ImportedChunk } from '../../memory/imported-chunk.ts';
import type { Lease } from '../../memory/lease.ts';

/** Access lists that copies are made under at a time; for one that comes back it begins anew. */
const MAX_LISTS = 32;

/**
 * What is forwarded of chunks that others made, to domains that are not to see the rest of them: copies, in
 * chunks of ours for each such group, as the owner of the chunk would have made them (see {@link Division}),
 * and under the owner's access list. The copies of sealed bytes are sealed.
 */
class ForwardedCopies {
  /** By access list and kind, the longest unused first. */
  readonly #divisions = new Map<string, Division>();

  /**
   * The caller has a reference of the copy's lease.
   * @throws SystemError: ENOMEM, EMFILE; ERR_IOLITE_RANGE where the list is full and does not name us
   */
  copyFor(
    chunk: ImportedChunk,
    peer: Credentials,
    { start, end }: ChunkRange,
  ): ChunkRange & { readonly lease: Lease } {
    const group = groupIn(chunk.acl, peer);
    return this.#divisionOf(chunk).copyFor(group, chunk.bytes.subarray(start, end));
  }

  #divisionOf({ acl, frozen }: ImportedChunk): Division {
    const key = JSON.stringify([acl, frozen]);
    const division = this.#divisions.get(key) ?? divisionUnder(acl, frozen);
    this.#divisions.delete(key);
    this.#divisions.set(key, division);
    if (this.#divisions.size > MAX_LISTS) {
      const [longest, unused] = this.#divisions.entries().next().value as [string, Division];
      this.#divisions.delete(longest);
      unused.close();
    }
    return division;
  }
}

/** Of this process. */
export const forwardedCopies = new ForwardedCopies();

function divisionUnder(acl: AccessList, isSealed: boolean): Division {
  const options = { name: 'forwarded', acl, kind: isSealed ? 'seal' : 'recycle' } as const;
  const make = (): ChunkPool => new ChunkPool(options, true);
  return new Division({ acl, make, room: () => Number.POSITIVE_INFINITY });
}

/**
 * Whether more can be read in a chunk of another domain's than the ranges of it that a peer is sent, which
 * that peer is not to see though the access list admits it: it is neither of the group that we were given it
 * as, nor has it passed it to us itself. Only what is sealed can be known to hold nothing else, ever.
 */
export function isKeptFrom(chunk: ImportedChunk, peer: Credentials, ranges: readonly ChunkRange[]): boolean {
  const { acl } = chunk;
  if (peer.pid === process.pid || !admitsSeveral(acl) || chunk.givers.has(peer)) return false;
  if (groupIn(acl, peer) === groupIn(acl, ownCredentials())) return false;
  return !chunk.frozen || !isAllOf(chunk, ranges);
}

function ownCredentials(): Credentials {
  return { pid: process.pid, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
}

/** Whether nothing but zeros, and little of them, lies around ranges of a chunk. */
function isAllOf({ bytes, size }: ImportedChunk, ranges: readonly ChunkRange[]): boolean {
  let at = HEADER_BYTES;
  let around = 0;
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    if (start > at) {
      around += start - at;
      if (around >= PAGE_BYTES || !isZero(bytes.subarray(at, start))) return false;
    }
    at = Math.max(at, end);
  }
  return around + size - at < PAGE_BYTES && isZero(bytes.subarray(at));
}

function isZero(bytes: Buffer): boolean {
  return bytes.every(byte => byte === 0);
}
