import type { Slice } from '../../aggregate/slice.ts';
import { RecentMap } from '../../base/recent-map.ts';
import type { Repeatable } from '../../base/repeatable.ts';
import type { Channel } from '../../ipc/channel.ts';
import type { Greeting } from '../store-protocol.ts';
import type { ContentFacts, StoredVersion } from '../stored-version.ts';

/** Of an owner, a hundred bytes each. What is not known any more is found as what never was here. */
const MAX_ELSEWHERE_KEYS = 16_384;

/** The time of an index under one owner. */
export class Session {
  readonly channel: Channel;
  /** What the owner has said last. */
  greeting: Greeting;
  /** Ends that versions of this owner share, by what it calls them. */
  readonly #terms = new Map<number, SharedEnd>();

  /** What this owner has, most likely, and the index has no more. */
  readonly #elsewhere = new RecentMap<string, true>(MAX_ELSEWHERE_KEYS);

  /** What is asked for is to have been seen later than this, by the machine's clock. 0: at any time. */
  readonly since: number;

  constructor(channel: Channel, greeting: Greeting, since: number) {
    this.channel = channel;
    this.greeting = greeting;
    this.since = since;
  }

  /** The end of a version, as the owner has stated it: that of its term, or its own if it has none. */
  endOf(term: number, until: number): SharedEnd {
    if (term === 0) return { until };
    const known = this.#terms.get(term) ?? { until };
    known.until = until;
    this.#terms.set(term, known);
    return known;
  }

  /** A term ends at another time. */
  renew(term: number, until: number): void {
    const known = this.#terms.get(term);
    if (known !== undefined) known.until = until;
  }

  /**
   * The index has no more what it had under a key, of which the owner has something still: in another place,
   * or as it was.
   */
  hasElsewhere(key: string): void {
    this.#elsewhere.set(key, true);
  }

  /** What the owner has under a key has come, or is gone. */
  settle(key: string): void {
    this.#elsewhere.delete(key);
  }

  /** Whether the owner has something under a key, most likely, that has been in the index. */
  mayHave(key: string): boolean {
    return this.#elsewhere.get(key) !== undefined;
  }

  /** The latest end of a term, as it was told here: until then no change is over that was not told of. */
  get latestEnd(): number {
    let latest = 0;
    for (const { until } of this.#terms.values()) latest = Math.max(latest, until);
    return latest;
  }

  /** No version of this owner is used beyond this time without a question. */
  endBy(time: number): void {
    for (const end of this.#terms.values()) end.until = Math.min(end.until, time);
  }

  /** Keeps the terms that are in use alone. */
  keepTerms(used: ReadonlySet<SharedEnd>): void {
    for (const [id, end] of this.#terms) if (!used.has(end)) this.#terms.delete(id);
  }
}

/** Until when versions may be used without a question, by the machine's clock. */
export interface SharedEnd {
  until: number;
}

/** Whose entries are used. */
export interface EntryUser<F extends ContentFacts> {
  /** Counts a use of an entry that is indexed. @returns false if it is not to be used without a question */
  use(entry: IndexEntry<F>): boolean;
}

/** A version in an index. */
export class IndexEntry<F extends ContentFacts> implements Repeatable {
  readonly held: StoredVersion<F>;
  /** Which owner it came from. */
  readonly session: Session;
  end: SharedEnd;
  /** How often it was used since the last report. */
  used = 0;
  /** Whether it was used since the last look for what is not. */
  recent = true;
  /** Whether it is in its index. */
  isIndexed = true;

  /** Whose it is. */
  readonly index: EntryUser<F>;

  constructor(held: StoredVersion<F>, session: Session, end: SharedEnd, index: EntryUser<F>) {
    this.index = index;
    this.held = held;
    this.session = session;
    this.end = end;
  }

  get slice(): Slice | undefined {
    return this.held.slice;
  }

  /** Whether the version is still what its key is answered with. */
  mayRepeat(): boolean {
    return this.isIndexed && this.index.use(this);
  }
}
