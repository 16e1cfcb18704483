/**
 * Files over TLS: `iolite serve` with one worker against nginx (one worker: http2, sendfile, open files
 * cached, session tickets), bare node:http2 (one call for a prepared buffer), @fastify/static over
 * node:http2, and sirv over node:https. wrk with one thread and 16 connections for HTTP/1.1, h2load with 8
 * connections of 16 streams for HTTP/2, on kept connections; and a connection for each request of 1 KiB, with
 * a full handshake or a resumed one. Requests per second, and CPU a request. Of resumed handshakes the CPU is
 * what counts: the client is slower than the servers. At last the memory that 1,000 slow readers of a large
 * file take, against serve-static over node:https: of all processes of the server, less what they had before.
 *
 * BENCH_ONLY, BENCH_SECONDS, BENCH_ROUNDS, BENCH_DIR: as of files.bench.ts.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { KiB, MiB, median, type Result, report } from './harness.ts';
import { need, startSecureNginx } from './nginx.ts';
import { memoryBytes } from './process-tree.ts';
import { Rival } from './rival.ts';
import { pathOf, Site } from './site.ts';
import { measureTls, type TlsLoad, type TlsLoaded } from './tls-load.ts';
import { inTurns, isWanted, middle, SECONDS, versus } from './turns.ts';

const SIZES = [KiB, 16 * KiB, 64 * KiB, 256 * KiB, MiB];
const SLOW = { bytes: 16 * MiB, readers: 1000, rateBytes: 16 * KiB, rounds: 3 } as const;
/** Memory is at rest when it has changed by less than that in so long. */
const REST = { bytes: MiB, intervalMs: 500, tries: 40 } as const;

interface Pem {
  readonly cert: string;
  readonly key: string;
}

interface Row {
  readonly name: string;
  readonly kind: TlsLoad;
  readonly path: string;
}

function rowsOf(): Row[] {
  const kept = (['HTTP/1.1', 'HTTP/2'] as const).flatMap(kind =>
    SIZES.map((size, number) => ({
      name: `${kind}, ${size < MiB ? `${size / KiB} KiB` : `${size / MiB} MiB`}`,
      kind,
      path: pathOf(number),
    })),
  );
  const anew = (['full handshakes', 'resumed handshakes'] as const).map(kind => ({
    name: kind,
    kind,
    path: pathOf(0),
  }));
  return [...kept, ...anew].filter(({ name }) => isWanted(name));
}

/** A certificate for localhost with an elliptic key, as most have now. */
function certificateIn(folder: string): Pem {
  const pem = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync('openssl', [...made, ...name, '-keyout', pem.key, '-out', pem.cert], { stdio: 'ignore' });
  chmodSync(pem.key, 0o644);
  return pem;
}

async function node(kind: string, site: Site, { cert, key }: Pem): Promise<Rival> {
  const program = fileURLToPath(new URL('./https-server.js', import.meta.url));
  const args = [kind, site.root, cert, key, ...SIZES.map((_, number) => pathOf(number))];
  const start = async (): Promise<{ child: ChildProcess; port: number }> => {
    const child = fork(program, args, { execArgv: [], detached: true });
    const [port] = (await once(child, 'message')) as [number];
    return { child, port };
  };
  return Rival.of(kind, start());
}

function iolite(site: Site, { cert, key }: Pem): Promise<Rival> {
  return Rival.iolite(site, ['--tls-cert', cert, '--tls-key', key]);
}

function lines(name: string, rivals: readonly Rival[], measured: readonly TlsLoaded[][]): Result[] {
  const [ours = [], ...peers] = measured;
  return peers.flatMap((peer, place) => {
    const peerName = rivals[place + 1]?.name as string;
    const both = (figure: 'rate' | 'cpu') => [middle(ours, figure), middle(peer, figure)] as const;
    return [
      versus(`${name}: requests`, both('rate'), { unit: '1/s', peerName }),
      versus(`${name}: CPU a request`, both('cpu'), { unit: 'us', less: true, peerName }),
    ];
  });
}

async function requests(): Promise<Result[]> {
  const rows = rowsOf();
  if (rows.length === 0) return [];
  await using site = new Site(SIZES);
  const pem = certificateIn(site.folder);
  await using ours = await iolite(site, pem);
  await using nginx = await Rival.of('nginx', startSecureNginx(site.folder, site.root, pem));
  await using bare = await node('bare node', site, pem);
  await using fastify = await node('@fastify/static', site, pem);
  await using sirv = await node('sirv', site, pem);
  const results: Result[] = [];
  for (const { name, kind, path } of rows) {
    const all = [ours, nginx, bare, fastify, sirv];
    const rivals = kind === 'HTTP/2' ? all.slice(0, -1) : all;
    const measure = (rival: Rival): Promise<TlsLoaded> => measureTls(rival, kind, path, SECONDS);
    // A server has then compiled what it runs often.
    for (const rival of rivals) await measure(rival);
    results.push(...lines(name, rivals, await inTurns(rivals, measure)));
  }
  return results;
}

async function restingMemory({ pids }: Rival): Promise<number> {
  let before = memoryBytes(pids);
  for (let left = REST.tries; left > 0; left--) {
    await setTimeout(REST.intervalMs);
    const now = memoryBytes(pids);
    if (Math.abs(now - before) < REST.bytes) return now;
    before = now;
  }
  return before;
}

/** Bytes that slow readers take. */
async function memoryOfReaders(rival: Rival): Promise<number> {
  const path = pathOf(0);
  // What is served is in memory, and code compiled.
  await measureTls(rival, 'HTTP/1.1', path, 2);
  const before = await restingMemory(rival);
  const program = fileURLToPath(new URL('./tls-slow-clients.js', import.meta.url));
  const args = [String(rival.port), path, String(SLOW.readers), String(SLOW.rateBytes)];
  const clients = fork(program, args, { execArgv: [] });
  try {
    await once(clients, 'message');
    return (await restingMemory(rival)) - before;
  } finally {
    clients.kill();
    await once(clients, 'close');
  }
}

async function memory(): Promise<Result[]> {
  const name = '1,000 slow readers: memory';
  if (!isWanted(name)) return [];
  await using site = new Site([SLOW.bytes]);
  const pem = certificateIn(site.folder);
  const taken: [ours: number[], peer: number[]] = [[], []];
  for (let round = 0; round < SLOW.rounds; round++) {
    // Anew each time: a process seldom gives back what it has had.
    await using ours = await iolite(site, pem);
    await using peer = await node('serve-static', site, pem);
    taken[0].push(await memoryOfReaders(ours));
    taken[1].push(await memoryOfReaders(peer));
  }
  const [ours, peer] = taken.map(each => median(each) / MiB) as [number, number];
  return [versus(name, [ours, peer], { unit: 'MiB', less: true, peerName: 'serve-static' })];
}

need(['nginx', 'nginx-light'], ['wrk', 'wrk'], ['h2load', 'nghttp2-client'], ['openssl', 'openssl']);
report('https', [...(await requests()), ...(await memory())]);
