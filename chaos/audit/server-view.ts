import type { ProcessView } from './process-view.ts';

/** What all processes of a server hold together. */
export interface ServerView {
  readonly processes: number;
  readonly sockets: number;
  readonly descriptors: number;
  /** Bytes of memory of ours that any of them has mapped, each chunk once. */
  readonly mappedBytes: number;
}

/** What a server that has had clients may hold more than one that had none yet. */
export interface Allowance {
  /** Connections to whom it passes requests on, which wait for the next one. */
  readonly sockets: number;
  readonly descriptors: number;
  /** What it caches, and what its pools have beyond that. */
  readonly mappedBytes: number;
}

/** What the processes of a server hold. */
export function serverViewOf(views: readonly ProcessView[]): ServerView {
  const sum = (of: (view: ProcessView) => number): number =>
    views.reduce((total, view) => total + of(view), 0);
  const lengths = new Map<number, number>();
  for (const { mappings } of views) {
    const own = new Map<number, number>();
    for (const { inode, bytes } of mappings) own.set(inode, (own.get(inode) ?? 0) + bytes);
    for (const [inode, bytes] of own) lengths.set(inode, Math.max(bytes, lengths.get(inode) ?? 0));
  }
  return {
    processes: views.length,
    sockets: sum(({ sockets }) => sockets),
    descriptors: sum(({ descriptors }) => descriptors),
    mappedBytes: [...lengths.values()].reduce((total, bytes) => total + bytes, 0),
  };
}

/**
 * What a server holds at rest beyond what it may.
 * @param fresh the same server, that was started just now
 */
export function excess(used: ServerView, fresh: ServerView, allowance: Allowance): string[] {
  const found: string[] = [];
  if (used.processes !== fresh.processes)
    found.push(`${used.processes} processes in place of ${fresh.processes}`);
  for (const name of ['sockets', 'descriptors', 'mappedBytes'] as const) {
    if (used[name] > fresh[name] + allowance[name])
      found.push(`${used[name]} ${name} at rest, a fresh one has ${fresh[name]}`);
  }
  return found;
}
