import { setTimeout as pause } from 'node:timers/promises';
import { MAX_TIMEOUT_MS } from '../../../base/deadlines.ts';
import { checkInteger, IoliteError } from '../../../base/error.ts';
import type { Channel } from '../../../ipc/channel.ts';
import { type Waiter, WaitQueue } from '../../../ipc/flow/wait-queue.ts';
import { connect } from '../../../ipc/meet/connect.ts';
import { DurationHistogram } from '../../../observe/duration-histogram.ts';
import { observe, type Sample } from '../../../observe/sources.ts';
import type { Handler, PendingAnswer, Recipient, ServerRequest } from '../../message/exchange.ts';
import { failureAnswer } from '../../message/status-of-error.ts';
import type { AppLimits } from './app-limits.ts';
import { AppLink } from './app-link.ts';

/** Bounds on what is asked of applications. */
export interface AppGatewayOptions {
  /**
   * Milliseconds an application has for the head of its answer, 504 afterwards. Default 30,000.
   */
  readonly timeout?: number | undefined;
  /** Milliseconds that a request waits for a process that is free, 503 afterwards. Default: as `timeout`. */
  readonly queueTimeout?: number | undefined;
  /** Bytes of a request's body, 413 beyond. Default 16 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** Requests under way at one application process from this server process; more wait. Default 128. */
  readonly maxConcurrency?: number | undefined;
  /** Requests that may wait, 503 beyond. Default 1024. */
  readonly maxQueue?: number | undefined;
  /** What the application is called in metrics. Default: 'application'. */
  readonly name?: string | undefined;
  /** Bodies that come as streams from one application process at a time. Default 1024. */
  readonly maxStreams?: number | undefined;
}

/** Until the next attempt at a process that listens and did not let us in: first and longest. */
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1000;

/**
 * Has requests answered by application processes, over channels: a request goes to the process with the
 * fewest under way. Bodies of answers are the application's own pages. A process that dies costs the requests
 * it had, 502 each.
 */
export class AppGateway implements Handler {
  readonly #limits: AppLimits;
  readonly #maxConcurrency: number;
  readonly #quotas: { readonly maxStreams?: number };
  readonly #queue: WaitQueue<AppLink>;
  readonly #links: AppLink[] = [];
  /** Where the processes listen that are used. */
  readonly #paths = new Set<string>();
  readonly #closing = new AbortController();
  readonly #name: string;
  readonly #durations = new DurationHistogram();
  #requests = 0;
  /** Where the next search for a process begins, so that equals take turns. */
  #turn = 0;

  /** @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
  constructor(options: AppGatewayOptions = {}) {
    const {
      timeout = 30_000,
      maxBodyBytes = 16 * 1024 ** 2,
      maxConcurrency = 128,
      maxQueue = 1024,
      maxStreams,
      name = 'application',
    } = options;
    const { queueTimeout = timeout } = options;
    checkInteger(timeout, 'timeout', 1, MAX_TIMEOUT_MS);
    checkInteger(maxBodyBytes, 'maxBodyBytes', 0, Number.MAX_SAFE_INTEGER);
    checkInteger(maxConcurrency, 'maxConcurrency', 1, 2 ** 20);
    checkInteger(maxQueue, 'maxQueue', 0, 2 ** 20);
    checkInteger(queueTimeout, 'queueTimeout', 1, MAX_TIMEOUT_MS);
    if (maxStreams !== undefined) checkInteger(maxStreams, 'maxStreams', 1, 2 ** 20);
    this.#quotas = maxStreams === undefined ? {} : { maxStreams };
    this.#limits = { timeout, maxBodyBytes };
    this.#name = name;
    this.#maxConcurrency = maxConcurrency;
    this.#queue = new WaitQueue(queueTimeout, maxQueue, noneFree);
    observe('application', this, AppGateway.#samplesOf);
  }

  static #samplesOf(gateway: AppGateway): readonly Sample[] | undefined {
    if (gateway.#closing.signal.aborted) return undefined;
    const figures = {
      links: gateway.#links.length,
      active: gateway.#links.reduce((sum, { inFlight }) => sum + inFlight, 0),
      queued: gateway.#queue.size,
      requests: gateway.#requests,
      ...gateway.#durations.figures(),
    };
    return [{ labels: { application: gateway.#name }, figures }];
  }

  /** How many application processes take requests. */
  get size(): number {
    return this.#links.length;
  }

  /**
   * Uses an application process, from now on and until it listens no more. A connection that is lost is made
   * anew.
   * @param path where it listens
   * @returns when requests can be sent to it, or it is gone already
   */
  async connect(path: string): Promise<void> {
    if (this.#paths.has(path)) return;
    this.#paths.add(path);
    await this.#join(path);
  }

  answer(request: ServerRequest, recipient: Recipient): PendingAnswer | undefined {
    this.#requests += 1;
    const link = this.#queue.size === 0 ? this.#leastLoaded() : undefined;
    if (link !== undefined) return link.ask(request, recipient);
    const queued = new QueuedRequest(this.#queue, request, recipient);
    return this.#queue.enter(queued) ? queued : undefined;
  }

  /** Leaves the processes. What is under way fails: close the server first. */
  close(): void {
    const reason = new IoliteError('ERR_IOLITE_CLOSED', 'The gateway to the applications is closed');
    this.#closing.abort(reason);
    this.#queue.refuseAll(reason);
    for (const link of this.#links.splice(0)) link.destroy();
  }

  /** For `using`: see {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #join(path: string): Promise<void> {
    const channel = await this.#enter(path);
    if (channel === undefined) {
      this.#paths.delete(path);
      return;
    }
    const link = new AppLink(channel, this.#limits, () => this.#changed(link), this.#durations);
    channel.once('close', () => void this.#join(path));
    this.#links.push(link);
    this.#changed(link);
  }

  /** A channel to a process; undefined when it is gone, or we are closed. */
  async #enter(path: string): Promise<Channel | undefined> {
    const { signal } = this.#closing;
    for (let wait = FIRST_PAUSE_MS; !signal.aborted; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
      try {
        return await connect(path, { signal, gather: true, rememberHeads: true, ...this.#quotas });
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ERR_IOLITE_ACCESS') return undefined;
      }
      await pause(wait, undefined, { signal, ref: false }).catch(() => {});
    }
    return undefined;
  }

  #changed(link: AppLink): void {
    if (!link.open) {
      const place = this.#links.indexOf(link);
      if (place !== -1) this.#links.splice(place, 1);
    } else if (this.#queue.size > 0 && link.inFlight < this.#maxConcurrency) {
      this.#queue.admit(link);
    }
  }

  /** The process with the fewest requests under way, unless all have as many as they may. */
  #leastLoaded(): AppLink | undefined {
    const links = this.#links;
    let least: AppLink | undefined;
    let load = this.#maxConcurrency;
    for (let i = 0; i < links.length && load > 0; i++) {
      const link = links[(this.#turn + i) % links.length] as AppLink;
      if (link.inFlight >= load) continue;
      least = link;
      load = link.inFlight;
    }
    this.#turn = (this.#turn + 1) % Math.max(1, links.length);
    return least;
  }
}

/** A request that waits for a process, and then for its answer. */
class QueuedRequest implements Waiter<AppLink>, PendingAnswer {
  readonly #queue: WaitQueue<AppLink>;
  readonly #request: ServerRequest;
  readonly #recipient: Recipient;
  #state: 'waiting' | 'asked' | 'refused' = 'waiting';
  #pending: PendingAnswer | undefined;

  constructor(queue: WaitQueue<AppLink>, request: ServerRequest, recipient: Recipient) {
    this.#queue = queue;
    this.#request = request;
    this.#recipient = recipient;
  }

  start(link: AppLink): void {
    this.#state = 'asked';
    this.#pending = link.ask(this.#request, this.#recipient);
  }

  refuse(reason: unknown): void {
    this.#state = 'refused';
    this.#recipient.answered(failureAnswer(reason, 'application'));
  }

  giveUp(): void {
    this.#pending?.giveUp();
    if (this.#state !== 'waiting') return;
    this.#state = 'refused';
    this.#queue.leave(this);
    this.#recipient.failed(new IoliteError('ERR_IOLITE_CLOSED', 'The request was given up'));
  }
}

/** What a request is refused with that waited too long, or found too many waiting. */
function noneFree(): IoliteError {
  return new IoliteError('ERR_IOLITE_BUSY', 'No application process is free', { mayRetry: true });
}
