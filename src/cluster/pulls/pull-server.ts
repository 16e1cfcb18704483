import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { attachFastLane, type FastLane } from '../../http/fast-lane/fast-lane.ts';
import type { AnswerReport } from '../../http/message/answer-report.ts';
import type {
  Answer,
  Handler,
  PendingAnswer,
  Recipient,
  ServerRequest,
} from '../../http/message/exchange.ts';
import { tellLater } from '../../http/message/promised-answer.ts';
import { statusAnswer } from '../../http/message/status-answer.ts';
import { handle, serverRequest } from '../../http/node/node-adapter.ts';
import type { SiteService } from '../../http/proxy/cluster/proxy-peers.ts';
import type { InvalidationLog } from '../../store/log/invalidation-log.ts';
import { ClusterError } from '../cluster-error.ts';
import type { PullStats } from '../stats/machine-stats.ts';
import { fillField, readPull, type SignedPull } from './pull-signature.ts';
import { PulledRequest } from './pulled-request.ts';
import { Replays } from './replays.ts';

/** How long a pull waits until this machine is as far in the log as the one that asks. */
const BEHIND_MS = 1000;

/** What a machine that answers pulls is. */
export interface PullServing {
  /** This life of the machine. */
  readonly epoch: string;
  /** Nobody is answered without one. */
  readonly secret: string | undefined;
  readonly log: InvalidationLog;
}

/** The port where other machines of a cluster get contents, and nobody else gets anything. */
export class PullServer implements Handler {
  readonly #serving: PullServing;
  readonly #sites = new Map<string, SiteService>();
  readonly #replays = new Replays();
  #answered = 0;
  #refused = 0;
  #bytes = 0;
  /** Requests that were answered, and of which is not known yet whether the answer has gone. */
  readonly #filled = new WeakSet<ServerRequest>();
  readonly #server: Server;
  readonly #lane: FastLane;

  constructor(serving: PullServing) {
    this.#serving = serving;
    this.#server = createServer((request, response) => this.#take(request, response));
    const listener = { wantsDuration: false, answered: (report: AnswerReport) => this.#count(report) };
    this.#lane = attachFastLane(this.#server, this, { listener });
  }

  /** @param url the address that others are told @throws ERR_IOLITE_CLUSTER */
  async listen(url: string): Promise<void> {
    const { hostname, port } = new URL(url);
    try {
      this.#server.listen(Number(port || 80), hostname.replace(/^\[(.*)\]$/, '$1'));
      await once(this.#server, 'listening');
      // It keeps no process alive that does nothing else.
      this.#server.unref();
    } catch (cause) {
      throw new ClusterError(`Cannot join cluster: cannot listen at ${url}: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  /** @returns what ends it */
  serve(site: string, service: SiteService): () => void {
    this.#sites.set(site, service);
    return () => {
      if (this.#sites.get(site) === service) this.#sites.delete(site);
    };
  }

  /** What is served of a site. */
  service(site: string): SiteService | undefined {
    return this.#sites.get(site);
  }

  /** What it has answered, and not. */
  get counts(): Omit<PullStats, 'sent'> {
    return { answered: this.#answered, refused: this.#refused, bytes: this.#bytes };
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#lane.closeAllConnections();
    this.#server.closeAllConnections();
    await closed;
  }

  /** A request of another machine, by whomever it was read. @internal */
  answer(request: ServerRequest, recipient: Recipient): PendingAnswer | undefined {
    const pull = this.#read(request);
    const service = pull && this.#sites.get(pull.site);
    if (pull === undefined || service === undefined) {
      recipient.answered(statusAnswer(pull === undefined ? 403 : 404));
      return undefined;
    }
    const pulled = new PulledRequest(request, pull);
    // Mostly it is: a promise and a signal would cost more than all else here.
    const stored = this.#isThere(pull) ? service.atHand(pulled) : undefined;
    if (stored !== undefined) {
      recipient.answered(this.#filling(request, stored));
      return undefined;
    }
    return tellLater(recipient, async signal => {
      if (!(await this.#isAsFar(pull, signal))) return statusAnswer(503);
      const answer = await service.answer(pulled, signal);
      return answer === undefined ? statusAnswer(404) : this.#filling(request, answer);
    });
  }

  /** What the fast lane leaves to node:http. */
  #take(incoming: IncomingMessage, response: ServerResponse): void {
    const request = serverRequest(incoming);
    response.once('close', () => {
      const { statusCode: status, writableFinished } = response;
      if (!writableFinished) this.#filled.delete(request);
      const bytes = status === 304 ? 0 : Number(response.getHeader('content-length') ?? 0);
      this.#count({ request, bytes });
    });
    void handle(this, request, response);
  }

  /** @returns undefined for what is forged, for somebody else, or was here before */
  #read({ method, target, rawHeaders }: ServerRequest): SignedPull | undefined {
    const { secret, epoch } = this.#serving;
    if (method !== 'GET' || secret === undefined) return undefined;
    const pull = readPull(secret, target, rawHeaders);
    if (pull?.to !== epoch || !this.#replays.isNew(pull.epoch, pull.count)) return undefined;
    return pull;
  }

  #count({ request, bytes }: Pick<AnswerReport, 'request' | 'bytes'>): void {
    if (this.#filled.delete(request)) {
      this.#answered += 1;
      this.#bytes += bytes;
    } else this.#refused += 1;
  }

  /** What is said here comes after what was found, which may have been told of more. */
  #filling(request: ServerRequest, { status, headers, body }: Answer): Answer {
    this.#filled.add(request);
    return {
      status,
      headers: [...headers, 'Iolite-Fill', fillField(this.#serving.log.applied)],
      body,
    };
  }

  /** Whether this machine is as far in the log as the one that asks. */
  #isThere({ log: name, position }: SignedPull): boolean {
    const { applied, trustedUntil } = this.#serving.log;
    return name === applied.log && trustedUntil > 0 && applied.sequence >= position;
  }

  async #isAsFar(pull: SignedPull, signal: AbortSignal): Promise<boolean> {
    const { log: name, position } = pull;
    const { log } = this.#serving;
    if (this.#isThere(pull)) return true;
    const late = AbortSignal.any([signal, AbortSignal.timeout(BEHIND_MS)]);
    try {
      if (name === log.applied.log) await log.appliedHere({ log: name, sequence: position }, late);
    } catch {
      return false;
    }
    return name === log.applied.log && log.trustedUntil > 0;
  }
}
