import type { ProxyClusterOptions } from '../../http/proxy/cluster/proxy-cluster.ts';
import { type ProxyAddresses, ProxyHost } from '../../http/proxy/proxy-host.ts';
import type { PolicyName } from '../../store/policies/index.ts';
import { complain } from '../complain.ts';
import { UserError } from '../user-error.ts';
import type { OriginOptions } from './content-plan.ts';

/** The proxies of the origins that are named by a configuration, one for each and what is said of it. */
export class Origins {
  readonly #budget: number;
  readonly #policy: PolicyName;
  readonly #proxies = new Map<string, ProxyHost>();

  readonly #place: ProxyClusterOptions;

  /** @param budget bytes of memory for the responses of each @param place among other machines */
  constructor(budget: number, policy: PolicyName, place: ProxyClusterOptions = {}) {
    this.#place = place;
    this.#budget = budget;
    this.#policy = policy;
  }

  /** Where the proxies of origins listen, which are started if they do not run. @throws UserError */
  async addressesOf(origins: readonly OriginOptions[]): Promise<ProxyAddresses[]> {
    const addresses: ProxyAddresses[] = [];
    for (const options of origins) addresses.push((await this.#proxyOf(options)).addresses);
    return addresses;
  }

  /** When those that run have got what they get from other machines at their start. */
  async warmed(): Promise<void> {
    await Promise.all([...this.#proxies.values()].map(({ warmed }) => warmed));
  }

  /** Ends those that nobody uses any more. @param used what is said of those that are */
  async closeUnused(used: readonly OriginOptions[]): Promise<void> {
    const keys = new Set(used.map(keyOf));
    const unused = [...this.#proxies].filter(([key]) => !keys.has(key));
    for (const [key] of unused) this.#proxies.delete(key);
    await Promise.all(unused.map(([, proxy]) => proxy.close()));
  }

  close(): Promise<void> {
    return this.closeUnused([]);
  }

  async #proxyOf(options: OriginOptions): Promise<ProxyHost> {
    const key = keyOf(options);
    const running = this.#proxies.get(key);
    if (running !== undefined) return running;
    try {
      const proxy = await ProxyHost.start(
        { ...options, ...this.#place, budget: this.#budget, policy: this.#policy, complain },
        (error, { method, target }) =>
          complain(`Proxying ${method} ${target} failed: ${(error as Error).message}`),
      );
      this.#proxies.set(key, proxy);
      return proxy;
    } catch (error) {
      throw new UserError(`Cannot serve ${options.origin}: ${(error as Error).message}`);
    }
  }
}

function keyOf(options: OriginOptions): string {
  return JSON.stringify(options);
}
