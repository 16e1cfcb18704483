import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Aggregate } from '../../src/aggregate/aggregate.ts';
import { type SharedFileCache, sharedFileCache } from '../../src/cache/shared-file-cache.ts';
import { AttachedFileCache } from '../../src/file/cache/attached-cache.ts';
import type { Channel } from '../../src/ipc/channel.ts';
import { connect } from '../../src/ipc/meet/connect.ts';
import type { Draw } from '../draw.ts';
import { Floors } from '../floors.ts';
import { stampIn } from '../payload.ts';
import { FILES, fileName, floorsOf, type StagePlan, siteOf } from '../stage.ts';
import type { ActorLine } from './actor-line.ts';
import { isExpected } from './expected.ts';
import type { Holder } from './holder.ts';

/** What a reader works with. */
export interface ReaderHost {
  readonly plan: StagePlan;
  readonly line: ActorLine;
  readonly draw: Draw;
  readonly holder: Holder;
}

const BUDGET_BYTES = 8 * 1024 ** 2;
const READ_MS = 10_000;
const PAUSE_MS = 50;
/** For so long what came from an owner before is used under the next one: `maxStale`. */
const NEW_OWNER_MS = 1000;
/** Of the file's owner, whom those attach to who do not share. */
export const FILE_OWNER = 'file-owner';

/** Reads files, and sees that each is whole, and none older than one that was read before. */
export class FileReads {
  readonly #host: ReaderHost;
  readonly #floors: Floors;
  readonly #cache: SharedFileCache | AttachedFileCache;
  readonly #latest = new Map<number, number>();
  #channel: Channel | undefined;
  /** Who tells of changes, and since when it is the same. */
  #owner: unknown;
  #ownerSince = 0;
  #isClosed = false;

  constructor(host: ReaderHost, way: 'shared' | 'attached') {
    this.#host = host;
    this.#floors = new Floors(floorsOf(host.plan));
    if (way === 'shared') {
      const options = { budget: BUDGET_BYTES, govern: false, root: siteOf(host.plan) };
      this.#cache = sharedFileCache(`chaos-${host.plan.run}`, options);
    } else {
      this.#cache = new AttachedFileCache({});
      void this.#attach(this.#cache);
    }
  }

  /** One read. */
  async act(): Promise<void> {
    const { line } = this.#host;
    try {
      await this.#read(this.#host.draw.integer(0, FILES - 1), AbortSignal.timeout(READ_MS));
    } catch (error) {
      if (isExpected(error) || (error as Error).name === 'TimeoutError') line.tally.add('lost');
      else line.trouble(error);
    }
  }

  /** All files, now that nothing dies. @throws why one cannot be read */
  async probe(signal: AbortSignal): Promise<void> {
    for (let index = 0; index < FILES; index++) await this.#read(index, signal);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cache.close();
    await this.#channel?.close();
    this.#floors[Symbol.dispose]();
  }

  async #read(index: number, signal: AbortSignal): Promise<void> {
    const { line, plan, holder } = this.#host;
    const floor = this.#isBound() ? this.#floors.of(index) : 0;
    const before = this.#latest.get(index) ?? 0;
    const body = await this.#cache.read(join(siteOf(plan), fileName(index)), { signal });
    line.tally.add('requests:file cache');
    const stamp = stampOf(body);
    if (stamp === undefined || stamp.source !== index) {
      line.wrong(`file ${index}: ${body.length} bytes that are none of its versions`);
      body.release();
      return;
    }
    if (stamp.version < before)
      line.wrong(`file ${index}: version ${stamp.version} was read behind ${before}`);
    if (this.#isBound() && stamp.version < floor)
      line.wrong(`file ${index}: version ${stamp.version} was read, ${floor} is the oldest`);
    this.#latest.set(index, Math.max(this.#latest.get(index) ?? 0, stamp.version));
    holder.take(body, [stamp]);
  }

  /**
   * Whether what is read has to be of now. Without an owner who tells of changes, what is at hand is given
   * on; and what came from another owner for a while after there is a new one.
   */
  #isBound(): boolean {
    const cache = this.#cache;
    const owner = cache instanceof AttachedFileCache ? cache.isAttached && this.#channel : cache.role;
    const time = performance.now();
    if (owner !== this.#owner) [this.#owner, this.#ownerSince] = [owner, time];
    const hasOwner = owner !== false && owner !== undefined && owner !== 'joining';
    return hasOwner && time - this.#ownerSince > NEW_OWNER_MS;
  }

  async #attach(cache: AttachedFileCache): Promise<void> {
    const { line, plan } = this.#host;
    while (!this.#isClosed) {
      try {
        const channel = await connect(`@iolite-chaos-${plan.run}-${FILE_OWNER}`);
        const closed = new Promise<void>(resolve => channel.once('close', () => resolve()));
        this.#channel = channel;
        line.tally.add('connections');
        await cache.attach(channel);
        if (!channel.closed) await closed;
      } catch (error) {
        if (!isExpected(error)) line.trouble(error);
      }
      await setTimeout(PAUSE_MS);
    }
  }
}

/** What a body says that it is. */
export function stampOf(body: Aggregate): ReturnType<typeof stampIn> {
  const head = body.slice(0, Math.min(body.length, 24));
  try {
    const stamp = stampIn(head.toBuffer());
    return stamp === undefined ? undefined : { ...stamp, length: body.length };
  } finally {
    head.release();
  }
}
