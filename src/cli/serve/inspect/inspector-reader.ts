import { readFileSync } from 'node:fs';
import type { OwnedFileCache } from '../../../file/cache/owned-cache.ts';
import {
  CacheInspection,
  type FilePage,
  type FileQuery,
  type FileView,
} from '../../../file/inspect/cache-inspection.ts';
import type { PoolHolder } from '../../../memory/chunk-holdings.ts';
import { type MappedProcess, readProcessMaps, readProportionalSize } from '../../../observe/process-maps.ts';
import { readChunkFiles } from '../../../observe/smaps.ts';
import { MemoryGauge } from '../../../os/container/memory-gauge.ts';
import type { ChunkView } from '../../../store/space/space-stats.ts';
import type { ProcessReadings } from '../observe/metrics-reader.ts';
import {
  type ApplicationStatus,
  type CacheStatus,
  CHUNK_STATES,
  type ChunkRow,
  type ChunkTable,
  type InspectorStatus,
  type MemoryStatus,
  type ProcessStatus,
} from './inspector-status.ts';
import { ToldFigures } from './told-figures.ts';

/** Who looks more often gets what was found out last. */
const LEAST_AGE_MS = 500;
/** No more of the time than this part is spent on looking, however many do, unless a look takes long. */
const MOST_PART = 1 / 20;
const MOST_AGE_MS = 2000;
const VERSION_FILE = new URL('../../../../package.json', import.meta.url);

/** What is looked at. */
export interface Inspected {
  readonly cache: OwnedFileCache;
  /** Who holds chunks of the cache's pool. */
  holders(): readonly PoolHolder[];
  /** What the primary and its workers tell of themselves, with how long answers take from now on. */
  readings(): Promise<readonly ProcessReadings[]>;
  /** The processes of applications. */
  applications(): readonly number[];
  isReady(): boolean;
}

/** A file, and the processes that map what it lies in. */
export type MappedFile = FileView & { readonly mappers: readonly (readonly number[])[] };

/** The state of a server, for inspectors: found out when one asks, and then for all who ask in that while. */
export class InspectorReader {
  readonly #inspected: Inspected;
  readonly #cache: CacheInspection;
  readonly #gauge = new MemoryGauge();
  readonly #version = (JSON.parse(readFileSync(VERSION_FILE, 'utf8')) as { version: string }).version;
  #reading: Promise<InspectorStatus> | undefined;
  #last: { readonly status: InspectorStatus; readonly until: number } | undefined;
  /** One list at a time. */
  #listing: Promise<unknown> = Promise.resolve();

  constructor(inspected: Inspected) {
    this.#inspected = inspected;
    this.#cache = new CacheInspection(inspected.cache);
  }

  /** Not older than half a second, or twenty times what it took, up to two seconds. */
  status(): Promise<InspectorStatus> {
    if (this.#last !== undefined && performance.now() < this.#last.until)
      return Promise.resolve(this.#last.status);
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** See {@link CacheInspection.files}. One after the other. */
  files(query: FileQuery): Promise<FilePage> {
    const listed = this.#listing.then(() => this.#cache.files(query));
    this.#listing = listed.catch(() => {});
    return listed;
  }

  /** Undefined where the cache does not have it. Looks at what all processes map. */
  async file(path: string): Promise<MappedFile | undefined> {
    const file = this.#cache.file(path);
    if (file === undefined) return undefined;
    const maps = await this.#mapsOf(await this.#pids());
    const mappers = file.versions.map(({ inodes }) =>
      [...maps].filter(([, { inodes: there }]) => inodes.some(each => there.has(each))).map(([pid]) => pid),
    );
    return { ...file, mappers };
  }

  async #read(): Promise<InspectorStatus> {
    const began = performance.now();
    const readings = await this.#inspected.readings();
    const applications = this.#inspected.applications();
    const maps = await this.#mapsOf([...readings.map(({ pid }) => pid), ...applications]);
    const processes = await this.#processes(readings, applications, maps);
    const { files: _, bytes: once } = await readChunkFiles();
    const views = this.#cache.chunks();
    const told = new ToldFigures(readings.map(({ metrics }) => metrics));
    const took = performance.now() - began;
    const status: InspectorStatus = {
      time: new Date().toISOString(),
      version: this.#version,
      node: process.versions.node,
      uptime: Math.round(process.uptime() * 1000),
      isReady: this.#inspected.isReady(),
      processes,
      memory: this.#memory(views, maps, once),
      cache: this.#cacheStatus(readings),
      chunks: tableOf(views, maps),
      requests: requestsIn(told),
      durations: told.durations('iolite_request_duration_seconds'),
      bodyBytes: told.sum('iolite_response_body_bytes_total'),
      connections: told.sum('iolite_connections'),
      logDropped: told.sum('iolite_log_dropped_total'),
      applications: applicationsIn(told, applications.length),
      proxy: told
        .by('iolite_proxy_answers_total', 'cache_status')
        .map(({ name, value }) => ({ status: name, count: value })),
      channels: told
        .named('iolite_channel')
        .map(name => ({ name: name.replace(/^iolite_channel_?/, ''), value: told.sum(name) })),
      took: Math.round(took),
    };
    const until = began + Math.max(LEAST_AGE_MS, Math.min(MOST_AGE_MS, took / MOST_PART));
    this.#last = { status, until };
    return status;
  }

  async #pids(): Promise<number[]> {
    const { processes } = await this.status();
    return processes.map(({ pid }) => pid);
  }

  async #mapsOf(pids: readonly number[]): Promise<ReadonlyMap<number, MappedProcess>> {
    const read = await Promise.all(pids.map(async pid => [pid, await readProcessMaps(pid)] as const));
    return new Map(read.flatMap(([pid, maps]) => (maps === undefined ? [] : [[pid, maps] as const])));
  }

  async #processes(
    readings: readonly ProcessReadings[],
    applications: readonly number[],
    maps: ReadonlyMap<number, MappedProcess>,
  ): Promise<ProcessStatus[]> {
    const held = new Map(this.#inspected.holders().map(({ pid, bytes }) => [pid, bytes]));
    const common = (pid: number): Pick<ProcessStatus, 'pid' | 'rss' | 'mapped' | 'chunks' | 'held'> => {
      const { rss, mapped = 0, inodes } = maps.get(pid) ?? {};
      return { pid, rss, mapped, chunks: inodes?.size ?? 0, held: held.get(pid) ?? 0 };
    };
    const servers = readings.map(({ role, pid, metrics }): ProcessStatus => {
      const told = new ToldFigures([metrics]);
      return {
        ...common(pid),
        role,
        pss: told.known('iolite_process_memory_bytes'),
        heap: told.known('iolite_process_heap_bytes'),
        cpu: told.known('iolite_process_cpu_seconds_total'),
        late: told.known('iolite_event_loop_delay_seconds', { at: 'p99' }),
        requests: role === 'worker' && metrics.length > 0 ? told.sum('iolite_requests_total') : undefined,
      };
    });
    const silentOnes = applications.filter(each => !readings.some(({ pid }) => pid === each));
    const others = silentOnes.map(async (pid): Promise<ProcessStatus> => {
      const silent = { heap: undefined, cpu: undefined, late: undefined, requests: undefined };
      return { ...common(pid), role: 'application', pss: await readProportionalSize(pid), ...silent };
    });
    return [...servers, ...(await Promise.all(others))].filter(({ pid }) => maps.has(pid));
  }

  #memory(views: readonly ChunkView[], maps: ReadonlyMap<number, MappedProcess>, once: number): MemoryStatus {
    const others = [...maps].filter(([pid]) => pid !== process.pid).map(([, { inodes }]) => inodes);
    const copies = views.reduce(
      (sum, { inode, live }) => sum + live * others.filter(inodes => inodes.has(inode)).length,
      0,
    );
    const { limit, used } = this.#gauge.read();
    const known = Number.isFinite(limit);
    return { once, copies, limit: known ? limit : undefined, used: known ? used : undefined };
  }

  #cacheStatus(readings: readonly ProcessReadings[]): CacheStatus {
    const { cache } = this.#inspected;
    const { entries, bytes, budget, allowance, policy, misses, evictions, uncached, ...space } =
      cache.stats();
    const workers = new ToldFigures(
      readings.filter(({ role }) => role === 'worker').map(({ metrics }) => metrics),
    );
    const states = (['live', 'filling', 'dead', 'room', 'leased', 'headers'] as const).map(name => ({
      name,
      value: space[name],
    }));
    return {
      entries,
      content: bytes,
      budget,
      allowance,
      policy,
      hits: workers.sum('iolite_cache_hits_total', { content: 'files' }),
      misses: workers.sum('iolite_cache_misses_total', { content: 'files' }),
      diskReads: misses,
      evictions,
      uncached,
      states,
    };
  }
}

function tableOf(views: readonly ChunkView[], maps: ReadonlyMap<number, MappedProcess>): ChunkTable {
  const others = [...maps].filter(([pid]) => pid !== process.pid);
  const places = new Map<string, number>();
  const mappers: (readonly number[])[] = [];
  const rows = views.map(({ state, inode, size, live, dead, contents }): ChunkRow => {
    const pids = others.filter(([, { inodes }]) => inodes.has(inode)).map(([pid]) => pid);
    const key = pids.join();
    let place = places.get(key);
    if (place === undefined) {
      place = mappers.push(pids) - 1;
      places.set(key, place);
    }
    return [CHUNK_STATES.indexOf(state), inode, size, live, dead, contents, place];
  });
  return { rows, mappers };
}

function requestsIn(told: ToldFigures): InspectorStatus['requests'] {
  const counts = new Map<string, { lane: string; status: string; count: number }>();
  for (const { labels, value } of told.values('iolite_requests_total')) {
    const { lane = '', status = '' } = labels;
    const key = `${lane} ${status}`;
    const known = counts.get(key) ?? { lane, status, count: 0 };
    known.count += value;
    counts.set(key, known);
  }
  return [...counts.values()].sort((a, b) => a.status.localeCompare(b.status));
}

/** By name where they have names, or all as one. */
function applicationsIn(told: ToldFigures, processes: number): ApplicationStatus[] {
  const named = told.by('iolite_application_queue', 'application');
  if (named.length > 0) {
    return named.map(({ name, value }) => {
      const labels = { application: name };
      return {
        name,
        queued: value,
        active: told.known('iolite_application_requests', labels),
        requests: told.known('iolite_application_requests_total', labels),
        restarts: told.sum('iolite_application_restarts_total', labels),
      };
    });
  }
  const queued = told.sum('iolite_application_queue');
  if (processes === 0) return [];
  const active = told.known('iolite_application_requests');
  return [{ name: 'all', queued, active, requests: undefined, restarts: told.sum('iolite_restarts_total') }];
}
