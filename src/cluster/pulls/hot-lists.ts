import type { Msg, Subscription } from '@nats-io/transport-node';
import type { HotResponse } from '../../http/proxy/cache/hot-response.ts';
import type { HotList, Peer } from '../../http/proxy/cluster/proxy-peers.ts';
import { askMachines } from '../ask-machines.ts';
import type { ClusterContext } from '../cluster-context.ts';
import { parseObject } from '../parse-object.ts';
import { hotPages, readHotPage } from './hot-page.ts';

const SUBJECT = 'hot';
/** Of one machine: 4 MiB of targets, some ten thousand. */
const MAX_PAGES = 16;

/** What a machine has, as far as it has said. */
interface Said {
  readonly peer: Peer;
  readonly responses: HotResponse[];
  pages: number;
  isWhole: boolean;
}

/** The lists of what machines are asked for most: one question to all, whose answers come in pages. */
export class HotLists {
  readonly #context: ClusterContext;
  #subscription: Subscription | undefined;
  /** What is being found out, for all who ask meanwhile. */
  readonly #finding = new Map<string, Promise<readonly HotResponse[] | undefined>>();

  constructor(context: ClusterContext) {
    this.#context = context;
  }

  /** Answers others. @param hottest what there is of a site; undefined: that is not served here */
  serve(epoch: string, hottest: (site: string) => Promise<readonly HotResponse[] | undefined>): void {
    const { connection, prefix } = this.#context;
    this.#subscription = connection.subscribe(`${prefix}.${SUBJECT}`, {
      callback: (error, message) => {
        if (error !== null) return;
        this.#answer(message, epoch, hottest).catch(reason => {
          // A connection that is being closed takes nothing, and whoever asked waits for nobody by name.
          if (!connection.isDraining()) this.#context.options.complain(`Cannot list: ${reason.message}`);
        });
      },
    });
  }

  close(): void {
    if (!this.#context.connection.isClosed()) this.#subscription?.unsubscribe();
  }

  /**
   * Asks machines what they have of a site.
   * @returns when all have said it, or nobody has said anything for 300 ms @throws the signal's reason
   */
  async ask(site: string, peers: readonly Peer[], signal: AbortSignal): Promise<readonly HotList[]> {
    if (peers.length === 0) return [];
    const said = new Map(peers.map(peer => [peer.epoch, saidNothing(peer)]));
    const take = (answer: Uint8Array): boolean => {
      const page = readHotPage(answer);
      const list = page && said.get(page.epoch);
      if (page === undefined || list === undefined || list.pages === MAX_PAGES) return false;
      list.responses.push(...page.responses);
      list.pages += 1;
      list.isWhole ||= page.isLast;
      return [...said.values()].every(({ isWhole }) => isWhole);
    };
    await askMachines(this.#context, { subject: SUBJECT, said: { site }, take }, signal);
    return [...said.values()];
  }

  async #answer(
    { data, reply }: Msg,
    epoch: string,
    hottest: (site: string) => Promise<readonly HotResponse[] | undefined>,
  ): Promise<void> {
    const { site } = parseObject(data) ?? {};
    if (typeof site !== 'string' || reply === undefined || reply === '') return;
    const found = this.#finding.get(site) ?? hottest(site);
    this.#finding.set(site, found);
    const responses = await found.finally(() => this.#finding.delete(site));
    const { connection } = this.#context;
    if (responses === undefined || connection.isClosed()) return;
    const most = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    for (const page of hotPages(epoch, responses, { pages: MAX_PAGES, bytes: most }))
      connection.publish(reply, page);
  }
}

function saidNothing(peer: Peer): Said {
  return { peer, responses: [], pages: 0, isWhole: false };
}
