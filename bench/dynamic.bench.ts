/**
 * Dynamic content: an application domain behind the server, against nginx in front of a Node server at a Unix
 * socket (two processes each; a bare `proxy_pass`, and one tuned for it), against a cluster of two Node
 * processes, and against our own static files. wrk with one thread and 16 or 64 connections, in rounds in
 * which all take turns. BENCH_ONLY=<text> leaves out the rows whose names lack it.
 */
import { join } from 'node:path';
import { KiB, median, type Result, report } from './harness.ts';
import { type Peer, Peers, wrk } from './http-peers.ts';

const SIZES = [1, 16, 64, 256, 1024].map(kib => kib * KiB);
/** Bodies that the application has, or makes for each request. */
const ROWS = [
  ['kept', 16],
  ['kept', 64],
  ['made', 16],
] as const;
const SECONDS = Number(process.env.BENCH_SECONDS ?? 1);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const { BENCH_ONLY: only = '' } = process.env;

const results: Result[] = [];
{
  using peers = new Peers(SIZES);
  const socket = join(peers.folder, 'app.sock');
  await peers.start('dynamic-server.js', 'node at a socket', socket);
  const ours = await peers.start('dynamic-server.js', 'iolite', peers.root);
  const proxy = await peers.proxy(socket, false);
  const tuned = await peers.proxy(socket, true);
  const cluster = await peers.start('dynamic-server.js', 'cluster', '');
  for (const [kind, connections] of ROWS) {
    for (const size of SIZES) {
      const name = `${size / KiB} KiB, ${kind}, ${connections} connections`;
      if (!name.includes(only)) continue;
      const path = `/${kind}/${size}`;
      const contenders = [
        { peer: ours, path },
        { peer: proxy, path },
        { peer: tuned, path },
        { peer: cluster, path },
        { peer: { ...ours, name: 'our static files' }, path: `/${size}.bin` },
      ];
      const rates = await measure(contenders, connections);
      for (const { peer } of contenders.slice(1)) {
        const [our = 0, their = 0] = [rates.get(ours.name), rates.get(peer.name)];
        results.push({ name, ours: our, peer: their, peerName: peer.name, unit: '1/s', ratio: our / their });
      }
    }
  }
}
report('dynamic', results);

/** Rates by name: medians of rounds. Every second round goes the other way. */
async function measure(
  contenders: readonly { peer: Peer; path: string }[],
  connections: number,
): Promise<Map<string, number>> {
  const rates = new Map(contenders.map(({ peer }) => [peer.name, [] as number[]]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const { peer, path } of round % 2 === 0 ? contenders : [...contenders].reverse()) {
      const rate = await wrk(peer, path, { connections, seconds: SECONDS });
      if (round >= 0) rates.get(peer.name)?.push(rate);
    }
  }
  return new Map([...rates].map(([name, all]) => [name, median(all)]));
}
