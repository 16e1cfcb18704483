/**
 * Bodies that are posted to an application domain behind the server, against nginx in front of a Node server
 * at a Unix socket (connections kept; bodies as they come, or whole: the better of the two), and against that
 * Node server alone, which is one process. Each receives the whole body and tells its length, its first and
 * its last byte. wrk with one thread and 16 connections, in rounds in which all take turns. BENCH_ONLY=<text>
 * leaves out the rows whose names lack it.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { KiB, MiB, median, type Result, report } from './harness.ts';
import { type Peer, Peers } from './http-peers.ts';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('../../bench/uploads.lua', import.meta.url));
const SIZES = [KiB, 64 * KiB, MiB, 16 * MiB];
const CONNECTIONS = 16;
const SECONDS = Number(process.env.BENCH_SECONDS ?? 1);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const { BENCH_ONLY: only = '' } = process.env;

const results: Result[] = [];
{
  using peers = new Peers([]);
  const socket = join(peers.folder, 'app.sock');
  await peers.start('uploads-server.js', 'node at a socket', socket);
  const ours = await peers.start('uploads-server.js', 'iolite');
  const passing = await peers.uploadProxy(socket, false);
  const whole = await peers.uploadProxy(socket, true);
  const node = await peers.start('uploads-server.js', 'node');
  for (const size of SIZES) {
    const name = size < MiB ? `${size / KiB} KiB` : `${size / MiB} MiB`;
    if (!name.includes(only)) continue;
    const rates = await measure([ours, passing, whole, node], size);
    const [our = 0, first = 0, second = 0, alone = 0] = rates;
    const better = first > second ? passing : whole;
    for (const [peer, theirs] of [[better, Math.max(first, second)] as const, [node, alone] as const]) {
      results.push({ name, ours: our, peer: theirs, peerName: peer.name, unit: '1/s', ratio: our / theirs });
    }
  }
}
report('uploads', results);

/** Medians of rounds, in the order of the contenders. Every second round goes the other way. */
async function measure(contenders: readonly Peer[], size: number): Promise<number[]> {
  const rates = contenders.map((peer, place) => ({ peer, place, all: [] as number[] }));
  for (let round = -1; round < ROUNDS; round++) {
    for (const { peer, all } of round % 2 === 0 ? rates : [...rates].reverse()) {
      const rate = await post(peer, size);
      if (round >= 0) all.push(rate);
    }
  }
  return rates.map(({ all }) => median(all));
}

/** @returns requests per second */
async function post({ name, port }: Peer, size: number): Promise<number> {
  // A body for each connection is 256 MiB of the largest: what is not whole in time is not counted.
  const seconds = size >= 16 * MiB ? 5 * SECONDS : SECONDS;
  const options = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--timeout', '30s', '-s', SCRIPT];
  const { stdout } = await run('wrk', [...options, `http://127.0.0.1:${port}/`, '--', String(size)]);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${name} failed:\n${stdout}`);
  return Number(/Requests\/sec: +([0-9.]+)/.exec(stdout)?.[1]);
}
