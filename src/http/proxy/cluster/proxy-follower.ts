import { now } from '../../../base/clock.ts';
import { ArgumentError } from '../../../base/error.ts';
import type { Repeatable } from '../../../base/repeatable.ts';
import type { LogFollower, LogSelector } from '../../../store/log/invalidation-log.ts';
import { ALWAYS } from '../../../store/term.ts';
import type { ResponseStore } from '../cache/response-store.ts';
import type { InvalidateOptions } from '../invalidation.ts';
import type { OnPartition, ProxyCluster } from './proxy-cluster.ts';

/** The topic of responses, of whatever proxy. */
export const RESPONSES_TOPIC = 'responses';

/** Has a proxy's store follow what machines tell each other, and says whether it may be used. */
export class ProxyFollower implements LogFollower, Repeatable {
  readonly #store: ResponseStore;
  readonly #onPartition: OnPartition;
  readonly #carryOut: (options: InvalidateOptions) => Promise<unknown>;
  readonly #forgetFetches: () => void;
  #until = 0;
  #end: () => void = () => {};

  /**
   * @param carryOut has the proxy forget what is named
   * @param forgetFetches has nothing stored of what is asked of the origin now
   */
  constructor(
    store: ResponseStore,
    onPartition: OnPartition,
    carryOut: (options: InvalidateOptions) => Promise<unknown>,
    forgetFetches: () => void,
  ) {
    this.#store = store;
    this.#onPartition = onPartition;
    this.#carryOut = carryOut;
    this.#forgetFetches = forgetFetches;
  }

  /** Begins. @throws ERR_IOLITE_CLOSED when the cluster is closed */
  start({ log }: ProxyCluster): void {
    this.#store.bound(0);
    this.#end = log.follow(RESPONSES_TOPIC, this);
  }

  /** Whether what is stored may be sent without a question. */
  get isTrusted(): boolean {
    return now() < this.#until;
  }

  /** Whether nothing is answered that a cache has a part in. */
  get fails(): boolean {
    return this.#onPartition === 'fail' && !this.isTrusted;
  }

  async carryOut(selector: LogSelector): Promise<void> {
    try {
      await this.#carryOut(selector as InvalidateOptions);
    } catch (error) {
      if (!(error instanceof ArgumentError)) throw error;
      // Another version of iolite names what this one does not know.
      await this.distrust();
    }
  }

  async distrust(): Promise<void> {
    this.#forgetFetches();
    await this.#store.makeAllStale();
    await this.#store.applied();
  }

  trust(until: number): void {
    this.#until = this.#onPartition === 'stale' ? ALWAYS : until;
    this.#store.bound(this.#until);
  }

  mayRepeat(): boolean {
    return this.isTrusted;
  }

  close(): void {
    this.#end();
  }
}
