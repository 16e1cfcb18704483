/** What the inspector shows, as JSON: of all processes together, at one moment. Counters only grow. */
export type InspectorStatus = {
  /** ISO 8601. */
  readonly time: string;
  readonly version: string;
  /** Of Node.js. */
  readonly node: string;
  /** Milliseconds since the primary was started. */
  readonly uptime: number;
  readonly isReady: boolean;
  readonly processes: readonly ProcessStatus[];
  readonly memory: MemoryStatus;
  readonly cache: CacheStatus;
  readonly chunks: ChunkTable;
  readonly requests: readonly RequestCount[];
  readonly durations: readonly LaneDurations[];
  readonly bodyBytes: number;
  readonly connections: number;
  /** Answers that the log has no line of. */
  readonly logDropped: number;
  readonly applications: readonly ApplicationStatus[];
  readonly proxy: readonly ProxyCount[];
  /** By the names of the metrics `iolite_channel*`, without what these begin with: `s` is iolite_channels. */
  readonly channels: readonly NamedFigure[];
  /** Milliseconds that it took to find all this out. */
  readonly took: number;
};

/** A process. Bytes, unless it says otherwise; undefined is what it did not tell. */
export interface ProcessStatus {
  readonly role: 'primary' | 'worker' | 'application';
  readonly pid: number;
  readonly pss: number | undefined;
  readonly rss: number | undefined;
  readonly heap: number | undefined;
  /** Address space that maps chunks. */
  readonly mapped: number;
  /** How many chunks it maps. */
  readonly chunks: number;
  /** Bytes of the cache's chunks that it leases. */
  readonly held: number;
  /** Seconds on processors. */
  readonly cpu: number | undefined;
  /** How late its event loop is: the 99th percentile of the last one to two minutes, in seconds. */
  readonly late: number | undefined;
  readonly requests: number | undefined;
}

/** Bytes of memory. */
export interface MemoryStatus {
  /** What the chunks of the primary take, which are there once. */
  readonly once: number;
  /** What of the cache each process that maps it would have as a copy of its own, added up. */
  readonly copies: number;
  /** What a container or the machine allows; undefined: nothing is known. */
  readonly limit: number | undefined;
  /** What of that is used and cannot be dropped, by whomever. */
  readonly used: number | undefined;
}

/** The cache of files. Bytes, unless it says otherwise. */
export interface CacheStatus {
  readonly entries: number;
  readonly content: number;
  readonly budget: number;
  /** What of the budget may be used just now. */
  readonly allowance: number;
  readonly policy: string;
  /** Reads of workers that were answered from memory at hand, and those that waited. */
  readonly hits: number;
  readonly misses: number;
  /** Reads of the primary that waited for the disk. */
  readonly diskReads: number;
  readonly evictions: number;
  readonly uncached: number;
  /** Bytes of the budget by state. */
  readonly states: readonly NamedFigure[];
}

/** How the rows of a {@link ChunkTable} are. */
export const CHUNK_STATES = ['open', 'shut', 'leased'] as const;

/** `[state, inode, size, live, dead, contents, mappers]`: state and mappers are places in lists. */
export type ChunkRow = readonly [number, number, number, number, number, number, number];

/** The chunks of the cache: there may be thousands, so a row is a list of numbers. */
export interface ChunkTable {
  readonly rows: readonly ChunkRow[];
  /** Process ids of those who map a chunk, besides the primary, for all chunks with the same. */
  readonly mappers: readonly (readonly number[])[];
}

interface RequestCount {
  readonly lane: string;
  readonly status: string;
  readonly count: number;
}

/** A histogram of how long answers took. */
export interface LaneDurations {
  readonly lane: string;
  /** Upper ends of the ranges, in seconds, and how many were not longer. The last has none: null. */
  readonly buckets: readonly (readonly [end: number | null, count: number])[];
  /** Seconds. */
  readonly sum: number;
}

export interface ApplicationStatus {
  readonly name: string;
  /** Requests that wait for a process, and those that one deals with. */
  readonly queued: number;
  readonly active: number | undefined;
  readonly requests: number | undefined;
  readonly restarts: number;
}

interface ProxyCount {
  readonly status: string;
  readonly count: number;
}

export interface NamedFigure {
  readonly name: string;
  readonly value: number;
}
