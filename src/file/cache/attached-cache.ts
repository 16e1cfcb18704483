import { EventEmitter } from 'node:events';
import type { Aggregate } from '../../aggregate/aggregate.ts';
import { waitSignalOf } from '../../base/abortable.ts';
import { checkOptionNames, IoliteError, optionNames } from '../../base/error.ts';
import { ignore } from '../../base/ignore.ts';
import type { Repeatable } from '../../base/repeatable.ts';
import type { Channel } from '../../ipc/channel.ts';
import { observe, type Sample } from '../../observe/sources.ts';
import { StoreIndex } from '../../store/attached/store-index.ts';
import type { StoredVersion } from '../../store/stored-version.ts';
import { VersionContent } from '../../store/version-content.ts';
import { type DirectRead, DirectReads } from './direct-reads.ts';
import { type ExtentSource, extentKey } from './extents.ts';
import {
  type CacheStats,
  checkFilePath,
  closedCache,
  type FileCache,
  type PathMemo,
  type ReadOptions,
  readPart,
  type Snapshot,
} from './file-cache.ts';
import { areFileFacts, FILES, type FileFacts } from './file-entry.ts';
import { FileSnapshot } from './file-snapshot.ts';
import { MAX_LINKS, tooManyLinks } from './path-parts.ts';

/** Most questions at a time whose answers nobody waits for. */
const MAX_WANTED_FILES = 64;
/** And files that are to be asked for then. More are forgotten until they have come twice as often. */
const MAX_WAITING_FILES = 4096;
/** After so many files that were read here it is looked whether the cache is crowded: */
const CROWD_READS = 256;
/** if it has left as many as this part of them. */
const CROWD_PART = 1 / 16;

/** Counters of an attached cache. */
export interface AttachedStats extends CacheStats {
  /** Whether its owner is there. */
  readonly attached: boolean;
}

/** How this domain uses the files of another. */
export interface AttachOptions {
  /**
   * Whether paths mean the same files here as in the owner, as they do where nobody has changed root or
   * mounts, and this domain may read them. Then it reads a small file itself that the cache does not have, at
   * a fraction of the cost of a question; what comes again is proposed to the owner, and asked for where its
   * policy would keep it. Default false: the owner reads all.
   */
  readonly direct?: boolean;
}

const NAMES = optionNames<AttachOptions>({ direct: true });

/**
 * Attaches to the file cache that the domain at the other end of a channel owns and serves.
 * @throws ERR_IOLITE_PEER, or what the peer answers if it serves no cache
 */
export async function attachFileCache(
  channel: Channel,
  options: AttachOptions = {},
): Promise<AttachedFileCache> {
  checkOptionNames(options, NAMES, 'attach file cache');
  const cache = new AttachedFileCache(options);
  await cache.attach(channel);
  return cache;
}

/**
 * A file cache whose files another domain reads. What was asked for is indexed here, so that a hit costs no
 * message; the owner tells which versions to give up. Emits 'detached' when the owner is gone or closes its
 * cache: what is held goes on being served then, and the rest fails with ERR_IOLITE_PEER, until it is
 * attached to another owner.
 */
export class AttachedFileCache
  extends EventEmitter<{
    /** The owner is gone, or has closed its cache. */
    detached: [reason: Error | undefined];
  }>
  implements FileCache, ExtentSource
{
  readonly #index = new StoreIndex<FileFacts>(FILES, reason => this.emit('detached', reason), areFileFacts);
  readonly #direct: DirectReads | undefined;
  /** Questions for files that were read here, whose answers nobody waits for. */
  #wanted = 0;
  /** What is to be asked for when there are fewer. */
  readonly #waiting = new Set<string>();
  /** What is read here, by number, and what had left the index when that was last looked at. */
  #directReads = 0;
  #evictions = 0;
  #crowded = false;

  /** Use {@link attachFileCache}. */
  constructor({ direct = false }: AttachOptions = {}) {
    super();
    if (direct) this.#direct = new DirectReads(() => this.#index.maxStale);
    this.#index.proposals.onAdmitted = path => this.#want(path);
    observe('cache', this.#index, figuresOf);
  }

  /**
   * Attaches to another owner, in place of the one it had. No file goes back to an older version.
   * @throws ERR_IOLITE_PEER, or what the peer answers if it serves no cache
   */
  attach(channel: Channel): Promise<void> {
    return this.#index.attach(channel);
  }

  /** Whether its owner is there. */
  get isAttached(): boolean {
    return this.#index.attached;
  }

  read(path: string, options?: ReadOptions): Promise<Aggregate> {
    // Short, so that it is compiled into its callers: everything else, errors too, is for the longer way.
    const held = options === undefined ? this.#index.peek(path) : undefined;
    if (!held?.hasContent) return readPart(this, path, options);
    return Promise.resolve(new VersionContent(held));
  }

  async snapshot(path: string, options: { readonly signal?: AbortSignal } = {}): Promise<Snapshot> {
    const signal = waitSignalOf(options);
    const hit = this.peek(path);
    if (hit !== undefined) return hit;
    const read = this.#mayReadHere(path) && (await this.#direct?.readSoon(path));
    if (read) {
      if (signal?.aborted) read.held.release();
      signal?.throwIfAborted();
      return this.#given(path, read);
    }
    let held = await this.#index.ask(path, signal);
    let way = 0;
    for (let hops = 0; held.facts.target !== undefined; hops++) {
      const { target } = held.facts;
      way = Math.max(way, held.serial);
      held.release();
      if (hops === MAX_LINKS) throw tooManyLinks(path);
      held = this.#index.peek(target)?.retain() ?? (await this.#index.ask(target, signal));
    }
    return new FileSnapshot(held, this, { way });
  }

  peek(path: string, _root?: string, memo?: PathMemo): Snapshot | undefined {
    const first = memo === undefined ? this.#index.peek(path) : this.#index.peekAgain(path, memo);
    if (first === undefined) {
      checkFilePath(path);
      if (this.#index.closed) throw closedCache();
      return undefined;
    }
    // What has content is no link. Its facts are elsewhere in memory, and with many files not at hand.
    if (first.hasContent) return new FileSnapshot(first.retain(), this);
    if (first.facts.target === undefined) return new FileSnapshot(first.retain(), this);
    return this.#follow(first);
  }

  readNow(path: string, memo?: PathMemo): Snapshot | undefined {
    // It is not what was found before, nor is that to be repeated.
    if (memo !== undefined) memo.entry = undefined;
    const read = this.#mayReadHere(path) ? this.#direct?.read(path) : undefined;
    return read && this.#given(path, read);
  }

  /**
   * Without an owner nobody says which version may be served: what is held is the last that is known. And
   * what the owner has in memory it gives for less than the disk does, and then it is here.
   */
  #mayReadHere(path: string): boolean {
    return this.#index.attached && !this.#index.isElsewhere(path);
  }

  repeatable(memo: PathMemo): Repeatable | undefined {
    const entry = this.#index.repeatable(memo);
    // What is a link is answered with something else, and of a large file there is nothing in memory.
    return entry?.held.hasContent ? entry : undefined;
  }

  invalidate(path: string): void {
    checkFilePath(path);
    this.#index.invalidate(path);
  }

  /** What this domain has and has asked for. */
  stats(): AttachedStats {
    const { budget, attached } = this.#index;
    return { ...this.#index.stats(), budget, attached };
  }

  close(): void {
    this.#index.close();
    this.#direct?.close();
  }

  /** For `using`: see {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  async extent(
    file: StoredVersion<FileFacts>,
    index: number,
    signal?: AbortSignal,
  ): Promise<StoredVersion<FileFacts>> {
    const key = extentKey(file.serial, index);
    const hit = this.#index.peek(key);
    if (hit !== undefined) return hit.retain();
    if (!this.#index.isCurrent(file))
      throw new IoliteError('ERR_IOLITE_PEER', `Cannot read ${file.key}: the owner of the cache is gone`);
    return this.#index.ask(key, signal);
  }

  /** What was read here: asked for, if it is to be in the cache. */
  #given(path: string, read: DirectRead): Snapshot {
    if (this.#index.has(path)) this.#want(path);
    else {
      const uses = this.#direct?.news(read, this.#isCrowded()) ?? 0;
      if (uses > 0) this.#index.proposals.add(path, read.held.facts.size, uses);
      this.#index.missed();
    }
    return new FileSnapshot(read.held, this, { passing: read.reads === 1 });
  }

  /** Whether much has left the index of late: more is asked for than the cache has room for. */
  #isCrowded(): boolean {
    if (this.#directReads++ % CROWD_READS === 0) {
      const { evictions } = this.#index.stats();
      this.#crowded = evictions - this.#evictions > CROWD_READS * CROWD_PART;
      this.#evictions = evictions;
    }
    return this.#crowded;
  }

  /** Has a file come into the index, some time. What it fails with the next reader is told. */
  #want(path: string): void {
    if (this.#wanted >= MAX_WANTED_FILES) {
      if (this.#waiting.size < MAX_WAITING_FILES) this.#waiting.add(path);
      return;
    }
    this.#wanted += 1;
    this.#index
      .ask(path)
      .then(held => {
        held.release();
        if (this.#index.has(path)) this.#direct?.forget(path);
      }, ignore)
      .finally(() => {
        this.#wanted -= 1;
        // An owner that is gone gives nothing, and the next one is proposed what comes again.
        if (this.#index.closed || !this.#index.attached) this.#waiting.clear();
        const [next] = this.#waiting;
        if (next === undefined) return;
        this.#waiting.delete(next);
        this.#want(next);
      });
  }

  /** The file that a path leads to through links, as far as it is known. */
  #follow(link: StoredVersion<FileFacts>): Snapshot | undefined {
    let held: StoredVersion<FileFacts> | undefined = link;
    let way = 0;
    for (let hops = 0; hops <= MAX_LINKS; hops++) {
      if (held === undefined) return undefined;
      const { target } = held.facts;
      if (target === undefined) return new FileSnapshot(held.retain(), this, { way });
      way = Math.max(way, held.serial);
      held = this.#index.peek(target);
    }
    return undefined;
  }
}

function figuresOf(index: StoreIndex<FileFacts>): readonly Sample[] | undefined {
  return index.closed ? undefined : [{ labels: { content: 'files' }, figures: { ...index.stats() } }];
}
