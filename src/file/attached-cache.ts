import type { Aggregate } from '../aggregate/aggregate.ts';
import type { Channel } from '../ipc/channel.ts';
import type { Message } from '../ipc/message.ts';
import { IoliteError } from '../os/error.ts';
import { CacheRequest } from './cache-service.ts';
import { Coalescer } from './coalescer.ts';
import {
  type CachedFile,
  type CacheStats,
  checkPath,
  type FileCache,
  type FileFacts,
  type ReadOptions,
  readPart,
  type Snapshot,
  shareFile,
  snapshotOf,
} from './file-cache.ts';

/** The owner's answer to a read. */
interface Answer {
  /** Nothing newer than what was said to be held. */
  readonly same?: true;
  /** Milliseconds since the owner saw the disk agree. */
  readonly age: number;
  readonly facts: FileFacts;
  /** Whether the owner keeps the version, so that it may be kept here too. */
  readonly keep: boolean;
}

/**
 * Attaches to the file cache that the domain at the other end of a channel owns and serves.
 * @throws ERR_IOLITE_PEER, or what the peer answers if it serves no cache
 */
export async function attachFileCache(channel: Channel): Promise<FileCache> {
  const { head } = await channel.request({ head: { type: CacheRequest.ATTACH } });
  return new AttachedFileCache(channel, Number((head as { maxStale?: number } | undefined)?.maxStale ?? 0));
}

/**
 * A file cache whose files another domain reads. What was asked for once is indexed here, so that a hit
 * costs no message; the owner tells which versions to give up. If the owner dies, what is held goes on
 * being served, and the rest fails with ERR_IOLITE_PEER.
 */
class AttachedFileCache implements FileCache {
  readonly #channel: Channel;
  readonly #maxStale: number;
  readonly #files = new Map<string, CachedFile>();
  readonly #loads = new Coalescer<CachedFile>(shareFile, file => file.content.release());
  /** Versions the owner dropped while an answer that brings them may be on its way. */
  readonly #droppedMeanwhile = new Map<string, number>();
  #bytes = 0;
  #hits = 0;
  #misses = 0;
  #evictions = 0;
  #closed = false;

  constructor(channel: Channel, maxStale: number) {
    this.#channel = channel;
    this.#maxStale = maxStale;
    void this.#watch();
  }

  read(path: string, options?: ReadOptions): Promise<Aggregate> {
    return readPart(this, path, options);
  }

  async snapshot(path: string, options: { readonly signal?: AbortSignal } = {}): Promise<Snapshot> {
    const hit = this.peek(path);
    if (hit !== undefined) return hit;
    this.#misses += 1;
    return snapshotOf(await this.#loads.run(path, () => this.#ask(path), options.signal));
  }

  peek(path: string): Snapshot | undefined {
    checkPath(path);
    if (this.#closed) throw new IoliteError('ERR_IOLITE_CLOSED', 'Cannot read from file cache: it is closed');
    const file = this.#files.get(path);
    if (file === undefined || performance.now() - file.checkedAt >= this.#maxStale) return undefined;
    this.#hits += 1;
    return snapshotOf(shareFile(file));
  }

  invalidate(path: string): void {
    checkPath(path);
    this.#remove(path);
  }

  stats(): CacheStats {
    return {
      entries: this.#files.size,
      bytes: this.#bytes,
      budget: Number.POSITIVE_INFINITY,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
    };
  }

  close(): void {
    this.#closed = true;
    for (const path of [...this.#files.keys()]) this.#remove(path);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #ask(path: string): Promise<CachedFile> {
    const held = this.#files.get(path);
    const have = held === undefined ? {} : { have: held.facts.serial };
    let answer: Message;
    try {
      answer = await this.#channel.request({ head: { type: CacheRequest.READ, path, ...have } });
    } catch (error) {
      return this.#withoutOwner(path, error);
    }
    const file = this.#take(path, answer);
    this.#droppedMeanwhile.delete(path);
    // 'The same as you have', and the owner's word to drop that has overtaken it.
    return file ?? this.#ask(path);
  }

  #take(path: string, { head, body }: Message): CachedFile | undefined {
    const { same, age, facts, keep } = head as unknown as Answer;
    const checkedAt = performance.now() - age;
    if (same === true) {
      const held = this.#files.get(path);
      if (held === undefined) return undefined;
      this.#files.set(path, { ...held, checkedAt });
      return shareFile(held);
    }
    if (body === undefined)
      throw new IoliteError('ERR_IOLITE_PROTOCOL', `Cannot read ${path}: the answer has no body`);
    const file: CachedFile = { facts, content: body, checkedAt };
    const dropped = this.#droppedMeanwhile.get(path) ?? 0;
    if (keep && !this.#closed && dropped < facts.serial) {
      this.#remove(path);
      this.#files.set(path, shareFile(file));
      this.#bytes += facts.size;
    }
    return file;
  }

  /** The owner could not be asked. What is held is still right as far as anybody here can know. */
  #withoutOwner(path: string, error: unknown): CachedFile {
    const held = this.#files.get(path);
    const { code } = error as NodeJS.ErrnoException;
    const ownerIsGone = this.#channel.closed && (code === 'ERR_IOLITE_PEER' || code === 'ERR_IOLITE_CLOSED');
    if (held !== undefined && ownerIsGone) return shareFile(held);
    this.#remove(path);
    throw error;
  }

  /** Keeps one question open that the owner answers when it drops versions. */
  async #watch(): Promise<void> {
    while (!this.#closed) {
      let head: Message['head'];
      try {
        ({ head } = await this.#channel.request({ head: { type: CacheRequest.WATCH } }));
      } catch {
        return;
      }
      const { dropped, closed } = head as { dropped?: [string, number][]; closed?: true };
      if (closed === true) return;
      for (const [path, serial] of dropped ?? []) this.#dropped(path, serial);
    }
  }

  #dropped(path: string, serial: number): void {
    if (this.#loads.has(path)) this.#droppedMeanwhile.set(path, serial);
    const file = this.#files.get(path);
    if (file === undefined || file.facts.serial > serial) return;
    this.#remove(path);
    this.#evictions += 1;
  }

  #remove(path: string): void {
    const file = this.#files.get(path);
    if (file === undefined) return;
    this.#files.delete(path);
    this.#bytes -= file.facts.size;
    file.content.release();
  }
}
