import type { Json, Message } from '../ipc/message.ts';
import { ArgumentError, describe } from '../os/error.ts';
import type { CachedFile } from './file-cache.ts';

/** The owner of the files, as the service sees it. */
export interface ServedCache {
  lookUp(path: string, root: string | undefined): Promise<CachedFile>;
  holds(path: string, serial: number): boolean;
  readonly maxStale: number;
}

/** Requests of an attached cache. */
export const CacheRequest = {
  /** Asks for `maxStale`. */
  ATTACH: 'cache.attach',
  /** `path`, and in `have` the serial of the version that is held already. */
  READ: 'cache.read',
  /** Answered when versions were dropped since the last answer: `dropped`, pairs of path and serial. */
  WATCH: 'cache.watch',
} as const;

/** The owner's side of one attached cache. */
export class CacheService {
  readonly #cache: ServedCache;
  readonly #root: string | undefined;
  #dropped: [path: string, serial: number][] = [];
  #watcher: ((answer: Message) => void) | undefined;

  constructor(cache: ServedCache, root: string | undefined) {
    this.#cache = cache;
    this.#root = root;
  }

  /** Answers a request of an attached cache. @returns undefined for requests that are none */
  handle(message: Message): Promise<Message> | undefined {
    const head = message.head as Record<string, Json> | null | undefined;
    const type = head?.type;
    if (typeof type !== 'string' || !type.startsWith('cache.')) return undefined;
    message.body?.release();
    if (type === CacheRequest.ATTACH) return Promise.resolve({ head: { maxStale: this.#cache.maxStale } });
    if (type === CacheRequest.WATCH) return this.#watch();
    if (type === CacheRequest.READ) return this.#read(head?.path, head?.have);
    return Promise.reject(
      new ArgumentError(`Cannot answer request: ${describe(type)} is unknown to the file cache`),
    );
  }

  /** The owner no longer holds a version: attached domains should give it up too. */
  dropped(path: string, serial: number): void {
    this.#dropped.push([path, serial]);
    this.#report();
  }

  close(): void {
    this.#watcher?.({ head: { closed: true } });
    this.#watcher = undefined;
  }

  async #read(path: Json | undefined, have: Json | undefined): Promise<Message> {
    if (typeof path !== 'string')
      throw new ArgumentError(`Cannot read file: a path is wanted, ${describe(path)} was given`);
    const { facts, content, checkedAt } = await this.#cache.lookUp(path, this.#root);
    const age = performance.now() - checkedAt;
    if (facts.serial === have) {
      content.release();
      return { head: { same: true, age } };
    }
    return { head: { facts: { ...facts }, age, keep: this.#cache.holds(path, facts.serial) }, body: content };
  }

  #watch(): Promise<Message> {
    return new Promise(resolve => {
      this.#watcher?.({ head: { dropped: [] } });
      this.#watcher = resolve;
      if (this.#dropped.length > 0) this.#report();
    });
  }

  #report(): void {
    const watcher = this.#watcher;
    if (watcher === undefined) return;
    this.#watcher = undefined;
    watcher({ head: { dropped: this.#dropped } });
    this.#dropped = [];
  }
}
