import { totalmem } from 'node:os';
import { join } from 'node:path';
import { amountIn, type CgroupFolder, figuresIn, ownCgroups, textOf } from './own-cgroups.ts';

/** What memory there is for this process, and those that share its bound, at one moment. Bytes. */
export interface MemoryReading {
  /** Of the bound that is nearest: a cgroup's, or the machine's. Infinite when none is known. */
  readonly limit: number;
  /** How much of it is used by what the kernel cannot drop: without clean pages of the page cache. */
  readonly used: number;
  /** And how much by what it can. */
  readonly reclaimable: number;
  /** How often somebody had to wait for memory, or got none, at that bound. It only grows. */
  readonly strains: number;
  /** Microseconds that somebody has waited for memory there, since the start; 0 where it is not told. */
  readonly stalled: number;
}

/** A bound on memory as it is now. */
type Bound = Omit<MemoryReading, 'strains' | 'stalled'> & { readonly folder: CgroupFolder | undefined };

/** Of a folder of either version. Libuv wants both of version 1, or takes none. */
const LIMIT_FILES = {
  1: ['memory.limit_in_bytes', 'memory.soft_limit_in_bytes', 'memory.stat'],
  2: ['memory.max', 'memory.high'],
} as const;

const NO_BOUND: Bound = { limit: Number.POSITIVE_INFINITY, used: 0, reclaimable: 0, folder: undefined };
/** More than any machine has: how version 1 and libuv say that there is no limit. */
const UNLIMITED_BYTES = 2 ** 60;

/**
 * Reads how much memory this process may have: the least of what its cgroups, all above them, and the machine
 * allow. What is missing, cannot be read or makes no sense is no limit; nothing is thrown.
 */
export class MemoryGauge {
  readonly #root: string;
  readonly #folders: readonly CgroupFolder[];
  /** The folder that says what cgroups allow which are above all that can be seen from here, and how much. */
  readonly #own: CgroupFolder | undefined;
  readonly #hidden: number;

  /** @param root where /proc and the mount points of cgroups are, for tests */
  constructor(root = '/') {
    this.#root = root;
    this.#folders = ownCgroups('memory', root);
    this.#own = this.#folders.find(({ version }) => version === 1);
    // Once: the kernel adds up much for the first of these files, where nothing else wants it.
    this.#hidden = this.#own === undefined ? Number.POSITIVE_INFINITY : hiddenLimitOf(this.#own);
  }

  /** Most bytes that this process can have: of memory that is there, whoever uses it now. */
  limit(): number {
    const limits = this.#folders.map(folder => this.#limitOf(folder));
    const { limit } = this.#machine();
    // Of our own process: it says nothing of another root.
    const told = this.#root === '/' ? constrainedMemory() : Number.POSITIVE_INFINITY;
    return Math.min(...limits, limit, told);
  }

  /** The bound that has the least left. Reads some files of the kernel: about 20 microseconds each. */
  read(): MemoryReading {
    let nearest = this.#machine();
    for (const folder of this.#folders) {
      const bound = boundOf(folder, this.#limitOf(folder));
      if (bound !== undefined && bound.limit - bound.used < nearest.limit - nearest.used) nearest = bound;
    }
    const { limit, used, reclaimable, folder } = nearest;
    return { limit, used, reclaimable, strains: strainsOf(folder), stalled: this.#stalledIn(folder) };
  }

  #limitOf(folder: CgroupFolder): number {
    return Math.min(limitOf(folder), folder === this.#own ? this.#hidden : Number.POSITIVE_INFINITY);
  }

  #machine(): Bound {
    const text = textOf(join(this.#root, 'proc/meminfo')) ?? '';
    const bytesOf = (name: string): number | undefined => {
      const found = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1];
      return found === undefined ? undefined : Number(found) * 1024;
    };
    const total = bytesOf('MemTotal');
    const available = bytesOf('MemAvailable');
    if (total === undefined || total === 0) {
      return this.#root === '/' ? { ...NO_BOUND, limit: totalmem() } : NO_BOUND;
    }
    const reclaimable = Math.max(0, (available ?? 0) - (bytesOf('MemFree') ?? 0));
    return { limit: total, used: Math.max(0, total - (available ?? total)), reclaimable, folder: undefined };
  }

  #stalledIn(folder: CgroupFolder | undefined): number {
    // Version 1 has no such file, and a file that is missing costs more than one that is read.
    if (folder?.version === 1) return 0;
    const file = folder === undefined ? this.#pressureFile : join(folder.path, 'memory.pressure');
    return Number(/^some .*\btotal=(\d+)/m.exec(textOf(file) ?? '')?.[1] ?? 0);
  }

  get #pressureFile(): string {
    return join(this.#root, 'proc/pressure/memory');
  }
}

/**
 * The files that say how much memory the cgroups of this process may use: with them a process that may read
 * little else knows, and so does Node.js, which sizes its heap by them.
 */
export function memoryLimitFiles(): string[] {
  return ownCgroups('memory').flatMap(({ path, version }) =>
    LIMIT_FILES[version].map(file => join(path, file)),
  );
}

/** What libuv found; it may look at fewer cgroups than we do, or at other systems. */
function constrainedMemory(): number {
  const bytes = process.constrainedMemory?.() ?? 0;
  return bytes > 0 ? bounded(bytes) : Number.POSITIVE_INFINITY;
}

/** What a cgroup may use: above memory.high it would be slowed down until it is no use any more. */
function limitOf({ path, version }: CgroupFolder): number {
  const files = version === 2 ? ['memory.max', 'memory.high'] : ['memory.limit_in_bytes'];
  return bounded(Math.min(...files.map(file => amountIn(join(path, file)) ?? Number.POSITIVE_INFINITY)));
}

/** Version 1 knows the least of all limits above, also of cgroups that are not seen from here. */
function hiddenLimitOf({ path }: CgroupFolder): number {
  const limit = figuresIn(join(path, 'memory.stat')).get('hierarchical_memory_limit') ?? 0;
  return limit > 0 ? bounded(limit) : Number.POSITIVE_INFINITY;
}

function bounded(bytes: number): number {
  return bytes < UNLIMITED_BYTES ? bytes : Number.POSITIVE_INFINITY;
}

function boundOf(folder: CgroupFolder, limit: number): Bound | undefined {
  const { path, version } = folder;
  if (limit === Number.POSITIVE_INFINITY) return undefined;
  const usage = amountIn(join(path, version === 2 ? 'memory.current' : 'memory.usage_in_bytes'));
  if (usage === undefined) return undefined;
  const reclaimable = Math.min(usage, reclaimableIn(folder));
  return { limit, used: usage - reclaimable, reclaimable, folder };
}

/** Bytes that the kernel drops when it needs them: of files that are on disk as they are here, and lists. */
function reclaimableIn({ path, version }: CgroupFolder): number {
  const figures = figuresIn(join(path, 'memory.stat'));
  // In version 1 only these are of the cgroups below, too.
  const sum = (...names: string[]): number =>
    names.reduce((bytes, name) => bytes + (figures.get(version === 2 ? name : `total_${name}`) ?? 0), 0);
  const unwritten = version === 2 ? sum('file_dirty', 'file_writeback') : sum('dirty', 'writeback');
  const clean = Math.max(0, sum('inactive_file', 'active_file') - unwritten);
  if (version === 2) return clean + sum('slab_reclaimable');
  // Version 1 does not tell what of the kernel's own is names and inodes, which can go: some of it is.
  return clean + (amountIn(join(path, 'memory.kmem.usage_in_bytes')) ?? 0) / 2;
}

function strainsOf(folder: CgroupFolder | undefined): number {
  if (folder === undefined) return 0;
  const { path, version } = folder;
  if (version === 1) {
    const kills = figuresIn(join(path, 'memory.oom_control')).get('oom_kill') ?? 0;
    return (amountIn(join(path, 'memory.failcnt')) ?? 0) + kills;
  }
  const events = figuresIn(join(path, 'memory.events'));
  return ['high', 'max', 'oom', 'oom_kill'].reduce((sum, name) => sum + (events.get(name) ?? 0), 0);
}
