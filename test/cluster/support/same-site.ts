import type { Cluster } from '../../../src/cluster/cluster.ts';
import type { ProxyCluster } from '../../../src/http/proxy/cluster/proxy-cluster.ts';
import type { ProxyPeers } from '../../../src/http/proxy/cluster/proxy-peers.ts';

const SITE = 'shop';

/** A cluster as proxies see it that all say that they have the same origin: each has one of its own. */
export function sameSite({ log, peers }: Cluster): ProxyCluster & { readonly peers: ProxyPeers } {
  return {
    log,
    peers: {
      ownerOf: target => peers.ownerOf(target),
      suspect: peer => peers.suspect(peer),
      sign: (peer, pull) => peers.sign(peer, { ...pull, site: SITE }),
      isFill: (headers, asked) => peers.isFill(headers, asked),
      serve: (_, service) => peers.serve(SITE, service),
      hotLists: (_, signal) => peers.hotLists(SITE, signal),
    },
  };
}
