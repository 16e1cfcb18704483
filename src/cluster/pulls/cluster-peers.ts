import { now } from '../../base/clock.ts';
import type { HeaderList } from '../../http/message/header-list.ts';
import type { HotList, Peer, ProxyPeers, Pull, SiteService } from '../../http/proxy/cluster/proxy-peers.ts';
import type { ClusterContext } from '../cluster-context.ts';
import type { ClusterLog } from '../log/cluster-log.ts';
import type { MachineTable } from '../machines/machine-table.ts';
import type { PullStats } from '../stats/machine-stats.ts';
import { HotLists } from './hot-lists.ts';
import { ownerAmong } from './owners.ts';
import { PullServer } from './pull-server.ts';
import { coversPull, signPull } from './pull-signature.ts';

const SUSPICION_MS = 5000;

/** The machines of a cluster that contents are got from, and this one for them. */
export class ClusterPeers implements ProxyPeers {
  readonly #context: ClusterContext;
  readonly #log: ClusterLog;
  readonly #table: MachineTable;
  readonly #epoch: string;
  readonly #server: PullServer;
  readonly #lists: HotLists;
  /** Until when, by the epoch of a machine. */
  readonly #suspected = new Map<string, number>();
  #asked = 0;

  /** @param epoch this life of this machine */
  constructor(context: ClusterContext, log: ClusterLog, table: MachineTable, epoch: string) {
    this.#context = context;
    this.#log = log;
    this.#table = table;
    this.#epoch = epoch;
    this.#lists = new HotLists(context);
    this.#server = new PullServer({ epoch, secret: context.options.secret, log });
  }

  /** Where others get contents from this machine; undefined: nowhere, as it would answer nobody. */
  get advertised(): string | undefined {
    const { advertise, secret } = this.#context.options;
    return secret === undefined ? undefined : advertise;
  }

  /** @throws ERR_IOLITE_CLUSTER */
  async listen(): Promise<void> {
    const { advertise } = this.#context.options;
    if (advertise !== undefined) await this.#server.listen(advertise);
    if (this.advertised !== undefined)
      this.#lists.serve(this.#epoch, async site => this.#server.service(site)?.hottest());
  }

  /** What was pulled, both ways. */
  get counts(): PullStats {
    return { sent: this.#asked, ...this.#server.counts };
  }

  close(): Promise<void> {
    this.#lists.close();
    return this.#server.close();
  }

  ownerOf(target: string): Peer | undefined {
    if (this.#context.options.secret === undefined || this.#log.trustedUntil <= now()) return undefined;
    const { machine } = this.#context;
    const owner = ownerAmong(this.#candidates(), target);
    return owner?.name === machine ? undefined : owner;
  }

  suspect({ epoch }: Peer): void {
    this.#suspected.set(epoch, now() + SUSPICION_MS);
  }

  sign({ epoch: to }: Peer, { target, site, client }: Pull): HeaderList {
    const { options, machine: from } = this.#context;
    const { log, sequence: position } = this.#log.known;
    this.#asked += 1;
    const said = { target, from, epoch: this.#epoch, to, count: this.#asked, log, position, site, client };
    return signPull(options.secret as string, said);
  }

  isFill(headers: HeaderList, asked: HeaderList): boolean {
    return coversPull(headers, asked);
  }

  serve(site: string, service: SiteService): () => void {
    return this.#server.serve(site, service);
  }

  async hotLists(site: string, signal: AbortSignal): Promise<readonly HotList[]> {
    if (this.#context.options.secret === undefined) return [];
    const { machine } = this.#context;
    const others = [...this.#candidates()].filter(({ name }) => name !== machine);
    return this.#lists.ask(site, others, signal);
  }

  *#candidates(): Generator<Peer & { readonly weight: number }> {
    const time = now();
    for (const [epoch, until] of this.#suspected) if (until <= time) this.#suspected.delete(epoch);
    for (const { name, entry } of this.#table.live()) {
      if (entry?.advertise === undefined || this.#suspected.has(entry.epoch)) continue;
      const { epoch, advertise: url, weight } = entry;
      yield { name, url, epoch, weight };
    }
  }
}
