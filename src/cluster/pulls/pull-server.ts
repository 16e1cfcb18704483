import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Handler, ServerRequest } from '../../http/message/exchange.ts';
import { fieldOf, type HeaderList } from '../../http/message/header-list.ts';
import { tellLater } from '../../http/message/promised-answer.ts';
import { statusAnswer } from '../../http/message/status-answer.ts';
import { handle } from '../../http/node/node-adapter.ts';
import type { SiteService } from '../../http/proxy/cluster/proxy-peers.ts';
import type { InvalidationLog } from '../../store/log/invalidation-log.ts';
import { ClusterError } from '../cluster-error.ts';
import type { PullStats } from '../stats/machine-stats.ts';
import { fillField, readPull, type SignedPull } from './pull-signature.ts';
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
export class PullServer {
  readonly #serving: PullServing;
  readonly #sites = new Map<string, SiteService>();
  readonly #replays = new Replays();
  #answered = 0;
  #refused = 0;
  #bytes = 0;
  readonly #server: Server;

  constructor(serving: PullServing) {
    this.#serving = serving;
    this.#server = createServer((request, response) => void this.#take(request, response));
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
    this.#server.closeAllConnections();
    await closed;
  }

  #take(incoming: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const pull = this.#read(incoming);
    response.once('close', () => this.#count(response));
    if (pull === undefined) return handle(refusing(403), requestOf(incoming, undefined), response);
    return handle(this.#answering(pull), requestOf(incoming, pull), response);
  }

  /** @returns undefined for what is forged, for somebody else, or was here before */
  #read({ method, url = '', rawHeaders }: IncomingMessage): SignedPull | undefined {
    const { secret, epoch } = this.#serving;
    if (method !== 'GET' || secret === undefined) return undefined;
    const pull = readPull(secret, url, rawHeaders);
    if (pull?.to !== epoch || !this.#replays.isNew(pull.epoch, pull.count)) return undefined;
    return pull;
  }

  #count(response: ServerResponse): void {
    if (!response.writableFinished || !response.hasHeader('iolite-fill')) this.#refused += 1;
    else {
      this.#answered += 1;
      // Those of a 304 did not go.
      if (response.statusCode !== 304) this.#bytes += Number(response.getHeader('content-length') ?? 0);
    }
  }

  #answering(pull: SignedPull): Handler {
    return {
      answer: (request, recipient) =>
        tellLater(recipient, async signal => {
          const service = this.#sites.get(pull.site);
          if (service === undefined) return statusAnswer(404);
          const { log } = this.#serving;
          if (!(await this.#isAsFar(pull, signal))) return statusAnswer(503);
          const answer = await service.answer(request, signal);
          if (answer === undefined) return statusAnswer(404);
          // What is said here comes after what was found, which may have been told of more.
          const { status, headers, body } = answer;
          return { status, headers: [...headers, 'Iolite-Fill', fillField(log.applied)], body };
        }),
    };
  }

  async #isAsFar({ log: name, position }: SignedPull, signal: AbortSignal): Promise<boolean> {
    const { log } = this.#serving;
    const isSame = (): boolean => name === log.applied.log && log.trustedUntil > 0;
    // Nearly always so, and signals with a time cost more than all else here.
    if (isSame() && log.applied.sequence >= position) return true;
    const late = AbortSignal.any([signal, AbortSignal.timeout(BEHIND_MS)]);
    try {
      if (name === log.applied.log) await log.appliedHere({ log: name, sequence: position }, late);
    } catch {
      return false;
    }
    return isSame();
  }
}

function refusing(status: number): Handler {
  return {
    answer: (_, recipient) => {
      recipient.answered(statusAnswer(status));
      return undefined;
    },
  };
}

/** As the client's own request, had it come here. */
function requestOf({ method = '', url = '', rawHeaders }: IncomingMessage, pull: SignedPull | undefined) {
  const headers: HeaderList = rawHeaders.filter((_, index) => !isOurs(rawHeaders[index & ~1] as string));
  const request: ServerRequest = {
    method,
    target: url,
    secure: /^https:/i.test(url),
    remoteAddress: pull?.client,
    header: name => fieldOf(headers, name),
    rawHeaders: headers,
    body: undefined,
  };
  return request;
}

/** Fields between machines, and of the connection. */
function isOurs(name: string): boolean {
  return /^(iolite-.*|host|connection|keep-alive)$/i.test(name);
}
