import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { ArgumentError, type IoliteError } from '../base/error.ts';
import { ignore } from '../base/ignore.ts';
import type { Channel } from '../ipc/channel.ts';
import type { Message } from '../ipc/message.ts';
import { type Figures, numbersOf } from '../observe/sources.ts';
import { DirectoryIndex } from '../store/directory/directory-index.ts';
import { UNKNOWN } from '../store/directory/directory-view.ts';
import { ownGovernor } from '../store/governor/governor.ts';
import { createPolicy } from '../store/policies/index.ts';
import type { StoredVersion } from '../store/stored-version.ts';
import type { Keeper } from './keeper.ts';
import { KeeperRequest } from './keeper-requests.ts';
import { Membership } from './members/membership.ts';
import { OwnKeeper, VALUES } from './own-keeper.ts';
import { RemoteKeeper } from './remote-keeper.ts';
import { checkedOptions, type SharedCacheOptions, type SharedCacheStats } from './shared-cache-options.ts';
import { Successive } from './successive.ts';
import type { ValueFacts } from './value-facts.ts';
import { factsOfRecord } from './value-records.ts';

/** Who is told in which role a member is. */
interface MemberListener {
  owner(): void;
  attached(): void;
  detached(reason: Error): void;
}

/** How often something is tried again under another owner. */
const MAX_TRIES = 8;
/** After which it is others' turn. */
const TURN_MS = 5;

/** This process as one of those that share a cache: what it holds, and who keeps the rest. */
export class Member {
  readonly #options: SharedCacheOptions;
  readonly #checked: ReturnType<typeof checkedOptions>;
  readonly #told: MemberListener;
  readonly #membership: Membership;
  readonly #id = randomUUID();
  readonly #index = new DirectoryIndex<ValueFacts>(VALUES, factsOfRecord);
  readonly #keepers = new Successive<Keeper>();
  #own: OwnKeeper | undefined;
  #takingOver: Promise<void> | undefined;
  /** Why it is closed. */
  #reason: Error | undefined;

  /** @throws as sharedCache */
  constructor(name: string, options: SharedCacheOptions, told: MemberListener) {
    this.#options = options;
    this.#checked = checkedOptions(options);
    this.#told = told;
    const roles = {
      own: (isFollowing: boolean) => this.#becomeOwner(isFollowing),
      serve: (channel: Channel) => this.#own?.serve(channel),
      attach: (channel: Channel) => this.#attach(channel),
      left: (reason: Error) => this.#left(reason),
    };
    this.#membership = new Membership('cache', name, roles, this.#checked.maxStale);
  }

  get role(): SharedCacheStats['role'] {
    if (this.#own !== undefined) return 'owner';
    return this.#keepers.present === undefined ? 'joining' : 'attached';
  }

  /** What there is, be it stale: not retained. {@link UNKNOWN}: it is to be asked for. */
  peek(key: string): StoredVersion<ValueFacts> | typeof UNKNOWN | undefined {
    return this.#own === undefined ? this.#index.peek(key) : this.#own.peek(key);
  }

  /** What the owner has, be it stale; the caller's to release. */
  async ask(key: string, signal?: AbortSignal): Promise<StoredVersion<ValueFacts> | undefined> {
    return this.withKeeper(async () => {
      if (this.#own !== undefined) return this.#own.peek(key)?.retain();
      try {
        return await this.#index.ask(key, signal);
      } catch (error) {
        if ((error as IoliteError).code === 'ENOENT') return undefined;
        throw error;
      }
    }, signal);
  }

  /** The keeper, where it is this process. */
  get own(): OwnKeeper | undefined {
    return this.#reason === undefined ? this.#own : undefined;
  }

  /** Has a keeper do something; another one where it is gone meanwhile. */
  async withKeeper<T>(act: (keeper: Keeper) => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#reason !== undefined) throw this.#reason;
    return this.hold(async () => {
      for (let tries = 1; ; tries++) {
        const keeper = await this.#keepers.next(signal);
        try {
          return await act(keeper);
        } catch (error) {
          const isGone =
            (error as IoliteError).code === 'ERR_IOLITE_PEER' && this.#keepers.present !== keeper;
          if (!isGone || tries === MAX_TRIES) throw error;
        }
      }
    });
  }

  /** As long as this lasts the program does not end. */
  async hold<T>(act: () => T | Promise<T>): Promise<T> {
    this.#membership.ref();
    try {
      return await act();
    } finally {
      this.#membership.unref();
    }
  }

  stats(): Pick<SharedCacheStats, 'entries' | 'bytes' | 'budget'> {
    return this.#own?.statsNow() ?? { ...this.#index.stats(), budget: this.#index.budget };
  }

  /** For metrics: of the memory, where it is this process's. */
  figures(): Figures {
    return numbersOf(this.#own?.store.stats() ?? this.#index.stats());
  }

  /** @param reason what fails with that waits */
  async close(reason: Error): Promise<void> {
    this.#reason = reason;
    this.#keepers.end();
    this.#keepers.fail(reason);
    await this.hold(async () => {
      this.#index.close();
      await this.#own?.handOver();
    });
    await this.#membership.close();
    this.#own?.close();
    this.#own = undefined;
  }

  #becomeOwner(isFollowing: boolean): void {
    const { pool, govern = true } = this.#options;
    const { budget, maxStale, policy: wanted } = this.#checked;
    const policy = createPolicy(wanted, budget);
    const governor = govern ? ownGovernor() : undefined;
    // Others go by what their owner has said, which may be longer.
    const formerMs = isFollowing ? Math.max(maxStale, this.#index.maxStale) : 0;
    const own = new OwnKeeper({ budget, policy, pool, governor, maxStale }, formerMs);
    own.inherits(key => {
      const held = this.#index.peek(key);
      return held === UNKNOWN ? undefined : held;
    });
    this.#own = own;
    this.#keepers.begin(own);
    this.#told.owner();
    void this.#inherit(own);
  }

  /** What this process holds of a former owner, with turns for others between. */
  async #inherit(own: OwnKeeper): Promise<void> {
    let turnEnd = performance.now() + TURN_MS;
    for (const held of this.#index.ofFormerOwners()) {
      if (this.#reason === undefined) own.inherit(held.key, held.facts, held.content);
      held.release();
      if (performance.now() < turnEnd) continue;
      await setImmediate();
      turnEnd = performance.now() + TURN_MS;
    }
    own.inherited();
    this.#index.close();
  }

  async #attach(channel: Channel): Promise<void> {
    const keeper = new RemoteKeeper(channel);
    channel.onRequest(message => this.#answer(message, keeper));
    await keeper.join(this.#id);
    await this.#index.attach(channel);
    // What is not taken over in time is lost, as what nobody held is.
    await keeper.offer(this.#index).catch(ignore);
    this.#index.forgetFormer();
    this.#keepers.begin(keeper);
    this.#told.attached();
  }

  /** What the owner asks. */
  async #answer({ head, body }: Message, keeper: RemoteKeeper): Promise<Message> {
    body?.release();
    const { type } = (head ?? {}) as { type?: unknown };
    if (this.#index.told(type)) return {};
    if (type !== KeeperRequest.TAKE_OVER)
      throw new ArgumentError('Cannot answer request: it is unknown to who is attached');
    // However often it is asked: once at a time.
    this.#takingOver ??= keeper.takeOver(this.#index).finally(() => {
      this.#takingOver = undefined;
    });
    await this.#takingOver;
    return {};
  }

  #left(reason: Error): void {
    if (this.#keepers.present === undefined) return this.#keepers.fail(reason);
    this.#keepers.end();
    this.#told.detached(reason);
  }
}
