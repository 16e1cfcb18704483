import { treeOfSlice, treeOfSlices } from '../../aggregate/aggregate-of-slices.ts';
import type { Tree } from '../../aggregate/tree/branch.ts';
import { now } from '../../base/clock.ts';
import { IoliteError } from '../../base/error.ts';
import { ignore } from '../../base/ignore.ts';
import type { Channel } from '../../ipc/channel.ts';
import type { Message } from '../../ipc/message.ts';
import type { Lease } from '../../memory/lease.ts';
import { tellMiss } from '../store-events.ts';
import { type ContentFacts, StoredVersion } from '../stored-version.ts';
import {
  type DirectoryGreeting,
  DirectoryRequest,
  isFoundHead,
  MAX_REPORTED_USES,
  type RecordFacts,
  typeOf,
} from './directory-protocol.ts';
import {
  type ContentPlace,
  DirectoryView,
  type FoundRecord,
  type ListedRecord,
  UNKNOWN,
} from './directory-view.ts';
import { KnownChunks } from './known-chunks.ts';
import { type RecentVersion, RecentVersions } from './recent-versions.ts';

/** After which uses are reported. */
const REPORT_MS = 250;

/** What comes again among about so many is remembered. A power of two. */
const CAME_RECORDS = 32_768;

/** The time of an index under one owner. */
interface Session {
  readonly channel: Channel;
  readonly chunks: KnownChunks;
  /** Undefined where the owner has none to share: it is asked for everything. */
  view: DirectoryView | undefined;
}

/** Facts out of what a record says. @returns undefined where that is none */
export type FactsOf<F extends ContentFacts> = (record: RecordFacts) => F | undefined;

/**
 * What another domain has in its store, found in the directory that it shares: no message says what has
 * changed, as everybody sees it. It is asked for what lies in memory that is not mapped here yet.
 */
export class DirectoryIndex<F extends ContentFacts> {
  readonly #name: string;
  readonly #factsOf: FactsOf<F>;
  #session: Session | undefined;
  /** Under owners that are gone: what they had is right for a while. */
  #former: Session[] = [];
  readonly #recent: RecentVersions<F>;
  /** What was found last of what has not come twice: until the next it need not be retained. */
  #passing: StoredVersion<F> | undefined;
  /** Records that came last, each where it has its place. */
  readonly #came = new Int32Array(CAME_RECORDS);
  #touched: RecentVersion<F>[] = [];
  /** Versions that were used, and are not remembered. */
  #passed: number[] = [];
  #report: NodeJS.Timeout | undefined;
  #reopening: Promise<void> | undefined;
  /** The longest that an owner has stated: see {@link DirectoryGreeting}. */
  maxStale = 0;
  #hits = 0;
  #misses = 0;
  #closed = false;

  /** @param name of the store in requests */
  constructor(name: string, factsOf: FactsOf<F>) {
    this.#name = name;
    this.#factsOf = factsOf;
    this.#recent = new RecentVersions(() => this.#sweep());
  }

  /** Bytes that the owner keeps at most. */
  get budget(): number {
    return this.#session?.view?.budget ?? 0;
  }

  /**
   * Reads the directory of the domain at the other end of a channel from now on.
   * @throws what the peer answers; ERR_IOLITE_PEER; ERR_IOLITE_PROTOCOL
   */
  async attach(channel: Channel): Promise<void> {
    const view = await this.#open(channel);
    if (this.#closed) return view?.close();
    this.#recent.clear();
    if (this.#session !== undefined) this.#former.push(this.#session);
    this.#session = { channel, view, chunks: new KnownChunks(channel) };
  }

  /**
   * What is under a key, be it at its end; not retained. Undefined: nothing. {@link UNKNOWN}: it is to be
   * asked for.
   */
  peek(key: string): StoredVersion<F> | typeof UNKNOWN | undefined {
    const session = this.#session;
    if (session === undefined) return UNKNOWN;
    const { view } = session;
    const recent = this.#recent.get(key);
    if (recent !== undefined && view?.isSame(recent) && now() < view.until) {
      this.#use(recent);
      return recent.held;
    }
    return this.#look(session, key);
  }

  /** What is under a key, from the owner: the caller's. @throws ENOENT; ERR_IOLITE_PEER when it is gone */
  async ask(key: string, signal?: AbortSignal): Promise<StoredVersion<F>> {
    this.#misses += 1;
    tellMiss(key);
    const session = this.#session;
    if (session === undefined || session.channel.closed)
      throw new IoliteError('ERR_IOLITE_PEER', `Cannot read ${key}: the owner of the cache is gone`);
    const head = { type: typeOf(this.#name, DirectoryRequest.READ), key };
    return this.#taken(key, await session.channel.request({ head }, signal && { signal }), session);
  }

  /** What is said by the domain that the directory is of. @returns whether it is for this */
  told(type: unknown): boolean {
    if (type !== typeOf(this.#name, DirectoryRequest.REPLACED)) return false;
    this.#reopen();
    return true;
  }

  /** A key of each chunk that is not mapped here. */
  *missing(): Generator<string> {
    const session = this.#session;
    for (const { key, places } of session?.view?.list() ?? [])
      if (places.some(({ number }) => session?.chunks.has(number) === false)) yield key;
  }

  /** What owners had that are gone, as far as it is here and right; the caller releases each. */
  *ofFormerOwners(): Generator<StoredVersion<F>> {
    const { channel } = this.#session ?? {};
    const isFormer = channel?.closed === true ? [this.#session as Session] : [];
    for (const session of [...this.#former, ...isFormer]) {
      for (const record of session.view?.list() ?? []) {
        if (now() >= (session.view?.until ?? 0)) break;
        const held = this.#versionOf(session, record.key, record, record.note);
        if (held !== undefined) yield held;
      }
    }
  }

  /** What is right of it is with the present owner by now. */
  forgetFormer(): void {
    for (const session of this.#former.splice(0)) end(session);
  }

  /** Of all that the owner has. */
  stats(): { entries: number; bytes: number; hits: number; misses: number } {
    const { entries = 0, bytes = 0 } = this.#session?.view ?? {};
    return { entries, bytes, hits: this.#hits, misses: this.#misses };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#report);
    this.#passing?.release();
    this.#passing = undefined;
    this.#recent.close();
    this.forgetFormer();
    if (this.#session !== undefined) end(this.#session);
    this.#session = undefined;
  }

  async #open(channel: Channel): Promise<DirectoryView | undefined> {
    const head = { type: typeOf(this.#name, DirectoryRequest.OPEN) };
    const { head: greeting, body } = await channel.request({ head });
    const { maxStale } = (greeting ?? {}) as Partial<DirectoryGreeting>;
    if (typeof maxStale !== 'number' || !(maxStale >= 0)) {
      body?.release();
      throw new IoliteError('ERR_IOLITE_PROTOCOL', 'Cannot attach: the answer of the cache is malformed');
    }
    this.maxStale = Math.max(this.maxStale, maxStale);
    return body && new DirectoryView(body);
  }

  /** Reads the directory that has taken the place of the one before. Until then the owner is asked. */
  #reopen(): void {
    const session = this.#session;
    if (session === undefined || session.channel.closed || this.#reopening !== undefined) return;
    this.#reopening = this.#open(session.channel)
      .then(
        view => this.#reopened(session, view),
        // Who looks next tries again: not this, as fast as it fails.
        ignore,
      )
      .finally(() => {
        this.#reopening = undefined;
      });
  }

  #reopened(session: Session, view: DirectoryView | undefined): void {
    if (this.#closed) return view?.close();
    this.#recent.clear();
    session.view?.close();
    session.view = view;
    // Another one again, of which word has come while this was on its way.
    if (view?.isReplaced === true) setImmediate(() => this.#reopen()).unref();
  }

  #look(session: Session, key: unknown): StoredVersion<F> | typeof UNKNOWN | undefined {
    if (typeof key !== 'string') return UNKNOWN;
    const { view } = session;
    if (view === undefined || now() >= view.until) {
      if (view?.isReplaced) this.#reopen();
      return this.#formerly(key) ?? UNKNOWN;
    }
    const found = view.find(key);
    if (found === undefined && this.#former.length === 0) return undefined;
    if (found === undefined || found === UNKNOWN) return this.#formerly(key) ?? UNKNOWN;
    const held = this.#versionOf(session, key, found);
    if (held === undefined) return UNKNOWN;
    if (this.#comesAgain(found)) this.#use(this.#recent.add(held, found));
    else this.#pass(held);
    return held;
  }

  #comesAgain({ at }: FoundRecord): boolean {
    // Places of records are multiples of their size.
    const place = Math.imul(at, 0x9e3779b1) >>> (32 - Math.log2(CAME_RECORDS));
    const comes = this.#came[place] === at;
    this.#came[place] = at;
    return comes;
  }

  /** It is used this time, and by who has asked. */
  #pass(held: StoredVersion<F>): void {
    this.#passing?.release();
    this.#passing = held;
    this.#hits += 1;
    if (this.#passed.length < MAX_REPORTED_USES) this.#passed.push(held.serial);
    this.#recent.begin();
    this.#schedule();
  }

  /** What an owner had who is gone, until its time is over. */
  #formerly(key: string): StoredVersion<F> | undefined {
    for (const session of this.#former) {
      const { view } = session;
      if (view === undefined || now() >= view.until) continue;
      const found = view.find(key);
      const held =
        found === undefined || found === UNKNOWN ? undefined : this.#versionOf(session, key, found);
      if (held !== undefined) return this.#recent.add(held, undefined).held;
    }
    return undefined;
  }

  #use(recent: RecentVersion<F>): void {
    this.#hits += 1;
    recent.isRecent = true;
    recent.uses += 1;
    if (recent.uses > 1) return;
    this.#touched.push(recent);
    this.#schedule();
  }

  #schedule(): void {
    this.#report ??= setTimeout(() => this.#sendReport(), REPORT_MS).unref();
  }

  #sendReport(): void {
    this.#report = undefined;
    const { channel } = this.#session ?? {};
    const [touched, passed] = [this.#touched, this.#passed];
    [this.#touched, this.#passed] = [[], []];
    const all = [
      ...touched.map(({ held, uses }) => [held.serial, uses] as const),
      ...passed.map(serial => [serial, 1] as const),
    ];
    const used = all.slice(0, MAX_REPORTED_USES);
    for (const recent of touched) recent.uses = 0;
    if (channel === undefined || channel.closed) return;
    const head = { type: typeOf(this.#name, DirectoryRequest.USED), used };
    channel.request({ head }).then(({ body }) => body?.release(), ignore);
  }

  /** A version of what a record says, retained. @returns undefined where it is to be asked for */
  #versionOf(
    { chunks }: Session,
    key: string,
    { kind, facts, serial, places }: FoundRecord | ListedRecord,
    note = '',
  ): StoredVersion<F> | undefined {
    const known = this.#factsOf({ kind, facts, note });
    if (known === undefined) return undefined;
    if (places.length === 0) return new StoredVersion(key, serial, known, undefined);
    const tree = places.length === 1 ? sliceIn(chunks, places[0] as ContentPlace) : treeIn(chunks, places);
    return tree && new StoredVersion(key, serial, known, tree);
  }

  /** What the owner has answered: its chunks are known from now on. */
  #taken(key: string, { head, body }: Message, { chunks }: Session): StoredVersion<F> {
    const facts = isFoundHead(head) ? this.#factsOf(head) : undefined;
    if (facts === undefined || !isFoundHead(head)) {
      body?.release();
      throw new IoliteError(
        'ERR_IOLITE_PROTOCOL',
        `Cannot read ${key}: the answer of the cache is malformed`,
      );
    }
    for (const [place, { lease }] of (body?.slices() ?? []).entries())
      chunks.learn(head.chunks[place] ?? 0, lease);
    return new StoredVersion(key, head.serial, facts, body);
  }

  /** @returns whether there is something that is held, to be looked at again */
  #sweep(): boolean {
    this.#passing?.release();
    this.#passing = undefined;
    const { view, chunks } = this.#session ?? {};
    if (view === undefined || chunks === undefined) {
      this.#recent.clear();
      return false;
    }
    this.#recent.drop(recent => !view.isSame(recent));
    chunks.sweep(view);
    return this.#recent.size > 0 || chunks.leased > 0;
  }
}

/** @returns undefined where it cannot be had here */
function sliceIn(chunks: KnownChunks, place: ContentPlace): Tree | undefined {
  // No owner of ours says so.
  if (place.length === 0) return undefined;
  const lease = chunks.lease(place);
  return lease && treeOfSlice(lease, place.start, place.start + place.length);
}

function treeIn(chunks: KnownChunks, places: readonly ContentPlace[]): Tree | undefined {
  const ranges: { lease: Lease; start: number; end: number }[] = [];
  for (const place of places) {
    const lease = chunks.lease(place);
    if (lease === undefined) {
      for (const range of ranges) range.lease.release();
      return undefined;
    }
    ranges.push({ lease, start: place.start, end: place.start + place.length });
  }
  return treeOfSlices(ranges);
}

function end({ view, chunks }: Session): void {
  chunks.close();
  view?.close();
}
