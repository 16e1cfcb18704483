/** What a replacement policy sees of an entry. The same object for as long as the entry is kept. */
export interface CacheEntry {
  /** What it is kept under: of files, the path. */
  readonly key: string;
  /** Bytes that keeping it costs. */
  readonly size: number;
  /** @internal Where it stands in a policy that is built in. */
  place?: object | undefined;
}

/**
 * Decides what leaves a cache that is full (paper, §3.7). It hears of all that happens to entries and names
 * the next to go. It holds no content; what it is told of and what it may hold on to are entries, until
 * `removed`.
 *
 * An entry in use outlives an unused one: the cache asks for a victim among the unused ones first.
 */
export interface CachePolicy {
  /** For statistics. */
  readonly name: string;
  /**
   * Whether a content may come in at the price of others. Asked once room is short, of each that was read and
   * is not there, with what it would be as an entry; where it may, the entry that {@link added} gets is
   * another object, and it need not come: nothing may wait for it. Default: yes, always.
   * @param uses how often it was read since that was last asked: more than once by domains that read it for
   *   themselves. Default 1
   * @returns false: it is given out and not kept
   */
  admit?(entry: CacheEntry, uses?: number): boolean;
  /** An entry came into the cache. */
  added(entry: CacheEntry): void;
  /** An entry was read. Also told of reads by other domains, late and in batches. */
  hit(entry: CacheEntry): void;
  /**
   * An entry left the cache: because it was the victim (`evicted`), or because its file changed or vanished.
   */
  removed(entry: CacheEntry, evicted: boolean): void;
  /**
   * The entry that is to go next, which stays until `removed` is called with it.
   * @param eligible entries for which it is false are to be passed over
   * @returns undefined when no entry is eligible
   */
  victim(eligible: (entry: CacheEntry) => boolean): CacheEntry | undefined;
  /** The cache has another budget, in bytes. Only policies that go by it need to know. */
  resized?(budget: number): void;
}
