/**
 * Slow clients, the paper's experiment with a wide-area network: 1,000 connections that read 1 MiB each at 64
 * KiB/s. How much memory of the machine is gone while they do (drop of MemAvailable, the file in the page
 * cache before), and what a fast client beside them gets. The figures are of everything that runs here: leave
 * the machine alone meanwhile.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MiB, median, type Result, report } from './harness.ts';
import { type Peer, Peers, wrk } from './http-peers.ts';

const CLIENTS = 1000;
/** What each client reads a second. */
const RATE_BYTES = 64 * 1024;
const SMALL_BYTES = 16 * 1024;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
/** How many of the servers are ours: they come first. */
const OUR_SERVERS = 2;

/** In bytes. */
function memAvailable(): number {
  return 1024 * Number(/MemAvailable: +([0-9]+)/.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1]);
}

/** The middle of some samples: other processes come and go. */
async function settledMemory(): Promise<number> {
  const samples: number[] = [];
  for (let i = 0; i < 11; i++) {
    samples.push(memAvailable());
    await setTimeout(50);
  }
  return median(samples);
}

interface Measured {
  /** Bytes. */
  readonly memory: number;
  /** What the fast client gets beside the slow ones, as a part of what it gets alone. */
  readonly undisturbed: number;
}

async function measure(server: Peer): Promise<Measured> {
  await wrk(server, `/${MiB}.bin`, { connections: 1, seconds: 1 });
  const alone = await wrk(server, `/${SMALL_BYTES}.bin`, { connections: 4, seconds: 1 });
  const before = await settledMemory();
  const program = fileURLToPath(new URL('./http-slow-clients.js', import.meta.url));
  const args = [String(server.port), `/${MiB}.bin`, String(CLIENTS), String(RATE_BYTES)];
  const clients = fork(program, args, { execArgv: [] });
  try {
    await once(clients, 'message');
    await setTimeout(2000); // A sixteenth of the answers is read in half a second.
    const memory = before - (await settledMemory());
    const beside = await wrk(server, `/${SMALL_BYTES}.bin`, { connections: 4, seconds: 1 });
    return { memory, undisturbed: beside / alone };
  } finally {
    clients.kill();
    await once(clients, 'close');
    await setTimeout(500);
  }
}

const results: Result[] = [];
{
  using peers = new Peers([MiB, SMALL_BYTES]);
  const servers = [
    await peers.node('iolite'),
    await peers.serve(2),
    await peers.node('serve-static'),
    await peers.nginx(),
  ];
  const all = servers.map(() => [] as Measured[]);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [position, server] of servers.entries()) all[position]?.push(await measure(server));
  }
  const middle = (position: number, of: keyof Measured): number =>
    median(all[position]?.map(measured => measured[of]) ?? []);
  for (const [our, { name }] of servers.slice(0, OUR_SERVERS).entries()) {
    for (const [i, { name: peerName }] of servers.slice(OUR_SERVERS).entries()) {
      const peer = OUR_SERVERS + i;
      const [ourMemory, memory] = [middle(our, 'memory') / MiB, middle(peer, 'memory') / MiB];
      const taken = { name: `memory: ${name}`, ours: ourMemory, peer: memory, peerName, unit: 'MiB' };
      results.push({ ...taken, ratio: memory / ourMemory });
      const [ourRate, rate] = [middle(our, 'undisturbed'), middle(peer, 'undisturbed')];
      const beside = { name: `fast client beside: ${name}`, ours: ourRate, peer: rate, peerName, unit: '1' };
      results.push({ ...beside, ratio: ourRate / rate });
    }
  }
}
report('http-slow', results);
