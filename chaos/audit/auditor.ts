import type { PoolStats } from '../../src/memory/pool-stats.ts';
import type { ProcessView } from './process-view.ts';

/** What a domain says of itself when it is at rest. */
export interface Statement {
  /** Of its pool. */
  readonly name: string;
  readonly pool: PoolStats;
  readonly holders: readonly { readonly pid: number; readonly bytes: number }[];
  /** Of each of its channels: chunks that the other side has granted it. */
  readonly imported: readonly number[];
}

/**
 * What holds at any instant, whatever happens: memory of ours is mapped for writing by one process at most.
 * @returns what breaks it
 */
export function sharedWriters(views: readonly ProcessView[]): string[] {
  const writers = new Map<number, Set<number>>();
  for (const { pid, mappings } of views) {
    for (const { inode, writesThrough } of mappings) {
      if (!writesThrough) continue;
      writers.set(inode, (writers.get(inode) ?? new Set()).add(pid));
    }
  }
  return [...writers]
    .filter(([, pids]) => pids.size > 1)
    .map(([inode, pids]) => `memory ${inode} is mapped for writing by processes ${[...pids].join(', ')}`);
}

/**
 * What a process holds of which it says nothing, and the other way round, while it has nothing to do. Its own
 * memory may have come back to it by a channel, and one chunk by several.
 */
export function disagreements(
  { mappings, memory }: ProcessView,
  { name, pool, imported }: Statement,
): string[] {
  const found: string[] = [];
  const all = new Set(memory.map(({ inode }) => inode)).size;
  const said = imported.reduce((sum, count) => sum + count, pool.chunks);
  if (all > said) found.push(`${all} chunks are held, ${said} by what it says`);
  const own = new Set(memory.filter(each => each.name === name).map(({ inode }) => inode)).size;
  if (own < pool.chunks) found.push(`${own} chunks of its pool are held, ${pool.chunks} by what it says`);
  const written = mappings.reduce((sum, { bytes, writesThrough }) => sum + (writesThrough ? bytes : 0), 0);
  if (written > pool.bytesMapped)
    found.push(`${written} bytes are mapped for writing, ${pool.bytesMapped} by what it says`);
  return found;
}

/**
 * What is left in a process that has closed everything it had.
 * @param ownSockets those that have to do with nothing that is tried
 */
export function leftovers({ mappings, memory, sockets, locked }: ProcessView, ownSockets = 0): string[] {
  const found: string[] = [];
  if (mappings.length > 0)
    found.push(`${mappings.length} mappings of ${[...new Set(mappings.map(({ name }) => name))].join(', ')}`);
  if (memory.length > 0) found.push(`${memory.length} descriptors of memory`);
  if (locked.length > 0) found.push(`${locked.length} leases`);
  if (sockets > ownSockets) found.push(`${sockets - ownSockets} sockets`);
  return found;
}

/** What a pool still has that nobody refers to any more. */
export function unreturned({ pool, holders }: Statement): string[] {
  const found: string[] = [];
  if (pool.chunks > 0) found.push(`${pool.chunks} chunks of its pool (${pool.bytesHeld} bytes held)`);
  if (pool.leaked > 0) found.push(`${pool.leaked} leases that were collected unreleased`);
  for (const { pid, bytes } of holders) found.push(`process ${pid} holds ${bytes} bytes of its pool`);
  return found;
}
