import { Aggregate } from '../../aggregate/aggregate.ts';
import type { Content } from '../../aggregate/byte-sequence.ts';
import { invariant } from '../../base/invariant.ts';
import type { ChunkPool } from '../../memory/chunk-pool.ts';
import { defaultPool } from '../../memory/default-pool.ts';
import type { FileCache } from '../cache/file-cache.ts';
import { Adoption } from './adoption.ts';
import { type CacheRoute, readThrough, tellOfVersion } from './cache-route.ts';
import { DiskVersion } from './disk-version.ts';
import { FileContent, type FrozenContent, type Part, releaseParts } from './file-content.ts';
import { syncFolder, writeVersion } from './write-version.ts';
import { zeros } from './zeros.ts';

/** Bytes that are read and kept at once, so that records read one after the other ask the disk seldom. */
const EXTENT_BYTES = 64 * 1024;
/** What is kept begins and ends at multiples of this, so that it is in no more pieces than these come to. */
const PAGE_BYTES = 4096;
/** Bytes of a file that are kept beside those not yet synced. */
const KEEP_BYTES = 16 * 1024 ** 2;

/** How somebody has a file open. */
export interface FileUser {
  readonly route: CacheRoute | undefined;
  /** Where what is read from disk goes, and copies of what is written. */
  readonly pool: ChunkPool;
}

/** The files that are open in this process (or thread), by real path. */
const opened = new Map<string, OpenedFile>();

/**
 * A file that is open in this process, once however often it was opened: its users see each other's writes at
 * once. What they write is in memory until it is synced.
 */
export class OpenedFile {
  /** Real: without symbolic links. */
  readonly path: string;
  readonly #content = new FileContent(0);
  /** What the content lies over; undefined as long as there is no file. */
  #disk: DiskVersion | undefined;
  #users = 0;
  /** Where the last extent ended that was read from disk: who goes on from there reads in sequence. */
  #readTo = 0;
  /** Whether the disk may forget the name of the version it has. */
  #nameAtRisk = false;
  /** Caches that are to hear of new versions. */
  readonly #routes = new Set<CacheRoute>();
  /** Steps that exchange the version on disk follow one another. */
  #turn: Promise<unknown> = Promise.resolve();
  #nextSync: Promise<void> | undefined;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Joins those who have a file open, or opens it. Say {@link leave} when done.
   * @param create whether there may be no file yet
   * @param route is told of new versions
   * @throws as DiskVersion.open
   */
  static async join(path: string, create: boolean, route: CacheRoute | undefined): Promise<OpenedFile> {
    const file = opened.get(path) ?? new OpenedFile(path);
    opened.set(path, file);
    file.#users += 1;
    if (route !== undefined) file.#routes.add(route);
    try {
      await file.#inTurn(() => file.#catchUp(create));
      return file;
    } catch (error) {
      await file.leave(route);
      throw error;
    }
  }

  /** Whether a file is open that is on disk only after its first sync. */
  static isNew(path: string): boolean {
    const file = opened.get(path);
    return file !== undefined && file.#disk === undefined;
  }

  /** The version on disk that is read and replaced. */
  get disk(): DiskVersion | undefined {
    return this.#disk;
  }

  get size(): number {
    return this.#content.size;
  }

  /** @param pool where strings and bytes are copied to */
  write(offset: number, content: Content, pool: ChunkPool): void {
    this.#content.write(offset, content, pool);
  }

  truncate(size: number): void {
    this.#content.truncate(size);
  }

  /** @param pool as of {@link write} */
  replace(content: Content, pool: ChunkPool): void {
    // What cannot be taken in must leave the file as it is.
    using whole = new Aggregate(undefined, pool).append(content);
    this.#content.truncate(0);
    this.#content.write(0, whole, pool);
  }

  /** Bytes of now, whatever is written while the disk is read. */
  async read(start: number, end: number, { route, pool }: FileUser): Promise<Aggregate> {
    const parts = this.#content.parts(start, Math.min(end, this.size), pool);
    const disk = this.#disk?.retain();
    const whole = new Aggregate(undefined, pool);
    try {
      for (const part of parts) {
        using bytes = await this.#bytesOf(part, disk, { route, pool });
        whole.append(bytes);
      }
      return whole;
    } catch (error) {
      whole.release();
      throw error;
    } finally {
      releaseParts(parts);
      await disk?.release();
    }
  }

  /** Brings what was written until now to disk. Calls that come while one is at it share the next. */
  sync(): Promise<void> {
    this.#nextSync ??= this.#inTurn(() => {
      this.#nextSync = undefined;
      return this.#sync();
    });
    return this.#nextSync;
  }

  /** Gives up what was not synced, and takes up what is on disk. */
  reload(): Promise<void> {
    return this.#inTurn(async () => this.#takeUp(await DiskVersion.open(this.path)));
  }

  /** One user less; with the last one goes what it holds. */
  async leave(route: CacheRoute | undefined): Promise<void> {
    this.#users -= 1;
    invariant(this.#users >= 0, 'who leaves a file had joined it');
    if (route !== undefined) this.#routes.delete(route);
    await this.#inTurn(async () => {
      if (this.#users > 0 || opened.get(this.path) !== this) return;
      opened.delete(this.path);
      this.#content.clear();
      await this.#disk?.release();
    });
  }

  /** Takes up the version that is on disk, unless something was written here. */
  async #catchUp(create: boolean): Promise<void> {
    if (this.#content.changed || (await this.#disk?.isAt(this.path))) return;
    const found = await DiskVersion.open(this.path).catch(error => {
      if (create && error.code === 'ENOENT') return undefined;
      throw error;
    });
    // Those who have it open may have written meanwhile.
    if (this.#content.changed) await found?.release();
    else await this.#takeUp(found);
  }

  async #takeUp(disk: DiskVersion | undefined): Promise<void> {
    const previous = this.#disk;
    this.#disk = disk;
    this.#content.reset(disk?.size);
    await previous?.release();
  }

  async #sync(): Promise<void> {
    let syncing: Promise<Error | undefined> | undefined;
    // What remains to be done for the new version need not wait for the disk.
    const sync = (): void => {
      syncing = syncFolder(this.path).then(undefined, (error: Error) => error);
    };
    if (this.#content.changed) await this.#writeVersion(sync);
    if (!this.#nameAtRisk) return;
    if (syncing === undefined) sync();
    const failure = await syncing;
    if (failure !== undefined) throw failure;
    this.#nameAtRisk = false;
  }

  /** @param named called when the new version has its name */
  async #writeVersion(named: () => void): Promise<void> {
    const frozen = this.#content.freeze();
    const previous = this.#disk;
    const adoptions: Adoption[] = [];
    try {
      this.#addAdoptions(adoptions, frozen);
      this.#disk = await writeVersion(this.path, frozen, previous, named);
      this.#content.settle(frozen);
      this.#nameAtRisk = true;
      await this.#tellCaches(this.#disk, adoptions);
    } finally {
      releaseParts(frozen.parts);
      for (const adoption of adoptions) adoption.release();
    }
    await previous?.release();
  }

  /** What caches may take over of a version that is to be written. */
  #addAdoptions(adoptions: Adoption[], frozen: FrozenContent): void {
    for (const cache of new Set(Array.from(this.#routes, route => route.cache))) {
      try {
        const adoption = Adoption.of(cache, this.path, frozen, this.#disk, defaultPool());
        if (adoption !== undefined) adoptions.push(adoption);
      } catch {
        // There is no memory for it: the cache reads from the disk.
      }
    }
  }

  /** Caches take over the version that is on disk now, or are told to forget the one before. */
  async #tellCaches(disk: DiskVersion, adoptions: readonly Adoption[]): Promise<void> {
    const adopted = new Set<FileCache>();
    for (const adoption of adoptions) if (await adoption.finish(disk)) adopted.add(adoption.cache);
    for (const route of this.#routes) if (!adopted.has(route.cache)) tellOfVersion(route, this.path);
    // What a cache has need not be held here too.
    if (adopted.size > 0 || this.#content.bytesInMemory > KEEP_BYTES) this.#content.forgetClean();
  }

  async #bytesOf(part: Part, disk: DiskVersion | undefined, { route, pool }: FileUser): Promise<Aggregate> {
    if (part.kind === 'memory') return part.bytes;
    if (part.kind === 'zeros') return zeros(part.end - part.start, pool);
    const version = disk as DiskVersion;
    const cached =
      route === undefined ? undefined : await readThrough(route, version, this.path, part.start, part.end);
    return cached ?? this.#readDisk(version, part.start, part.end, pool);
  }

  async #readDisk(disk: DiskVersion, start: number, end: number, pool: ChunkPool): Promise<Aggregate> {
    const wanted = start === this.#readTo ? Math.max(end, start + EXTENT_BYTES) : end;
    const from = start - (start % PAGE_BYTES);
    const to = Math.min(Math.ceil(wanted / PAGE_BYTES) * PAGE_BYTES, disk.size);
    this.#readTo = to;
    if (to - from > KEEP_BYTES) return disk.read(start, end, pool);
    const extent = disk.readNow(from, to, pool) ?? (await disk.read(from, to, pool));
    // Only what still is the file's content is of use to others.
    if (this.#disk === disk) {
      if (this.#content.bytesInMemory + extent.length > KEEP_BYTES) this.#content.forgetClean();
      this.#content.keep(from, extent, pool);
    }
    extent.truncate(end - from).trimStart(start - from);
    return extent;
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(step);
    this.#turn = result.catch(() => {});
    return result;
  }
}
