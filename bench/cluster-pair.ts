import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ClusterTask, ClusterWay } from './cluster-child.ts';
import { MiB } from './harness.ts';
import { freePort, startCachingProxy } from './nginx.ts';
import { killTree, treeOf } from './process-tree.ts';

const CHILD = fileURLToPath(new URL('cluster-child.js', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Two machines, the first of which gets things from the origin. */
export class Pair {
  readonly name: string;
  readonly ports: readonly number[];
  readonly #children: readonly ChildProcess[];
  readonly #servers: readonly ChildProcess[];

  constructor(name: string, ports: readonly number[], children: ChildProcess[], servers: ChildProcess[]) {
    this.name = name;
    this.ports = ports;
    this.#children = children;
    this.#servers = servers;
  }

  /** @param workers of a machine, as processes of their own: more than one for those that share nothing */
  static async ofNode(
    way: ClusterWay,
    folder: string,
    { originPort, workers = 1 }: { originPort: number; workers?: number },
  ): Promise<Pair> {
    const { server, place } = await startEngine(way === 'redis' ? 'redis' : 'nats', folder);
    const children: ChildProcess[] = [];
    const ports: number[] = [];
    for (const machine of ['a', 'b'].flatMap(name => new Array<string>(workers).fill(name))) {
      const advertise = `http://127.0.0.1:${await freePort()}`;
      const child = fork(CHILD, [way, place, machine, advertise, `http://127.0.0.1:${originPort}`]);
      ports.push(Number((await once(child, 'message'))[0]));
      children.push(child);
    }
    return new Pair(way, ports, children, [server]);
  }

  /** `iolite serve` on each, with its workers. */
  static async ofServe(
    folder: string,
    { originPort, workers, budget }: { originPort: number; workers: number; budget: number },
  ): Promise<Pair> {
    const { server, place } = await startEngine('nats', folder);
    const children: ChildProcess[] = [];
    const ports: number[] = [];
    for (const machine of ['a', 'b']) {
      const port = await freePort();
      const own = mkdtempSync(join(folder, 'machine-'));
      const advertise = `http://127.0.0.1:${await freePort()}`;
      const cluster = { servers: place, machine, advertise, secret: 'a secret of some length' };
      writeFileSync(join(own, 'iolite.config.json'), JSON.stringify({ cluster }), { mode: 0o600 });
      const origin = `http://127.0.0.1:${originPort}`;
      const flags = ['--origin', origin, '-p', `${port}`, '-w', `${workers}`, '-b', `${budget}`];
      children.push(spawn(process.execPath, [PROGRAM, 'serve', ...flags], { cwd: own, stdio: 'ignore' }));
      while (!(await isListening(port))) await setTimeout(20);
      ports.push(port);
    }
    return new Pair('iolite', ports, children, [server]);
  }

  static async ofNginx(folder: string, originPort: number): Promise<Pair> {
    // It keeps as many files open, which users may have 20,000 of.
    const kept = { responses: 10_000, bytes: 512 * MiB };
    const back = await startCachingProxy(folder, { ...kept, port: originPort });
    // Its worker, who is nobody, goes through it.
    const inner = join(folder, 'front');
    mkdirSync(inner);
    chmodSync(folder, 0o755);
    const front = await startCachingProxy(inner, { ...kept, port: back.port });
    for (const { port } of [back, front]) while (!(await isListening(port))) await setTimeout(20);
    return new Pair('nginx', [back.port, front.port], [], [back.child, front.child]);
  }

  get pids(): number[] {
    return [...this.#children, ...this.#servers].flatMap(({ pid }) => treeOf(pid as number));
  }

  async do(task: ClusterTask): Promise<number> {
    const [first] = this.#children;
    if (first === undefined) return 1;
    const answer = once(first, 'message');
    first.send(task);
    return Number((await answer)[0]);
  }

  /** Paths that the first machine asks the origin for. */
  async paths(start: string, count: number): Promise<string[]> {
    const paths: string[] = [];
    for (let index = 0; paths.length < count; index++) {
      const path = `${start}/${index}`;
      if ((await this.do({ act: 'owns', path })) === 1) paths.push(path);
    }
    return paths;
  }

  end(): void {
    for (const { pid } of [...this.#children, ...this.#servers]) killTree(pid as number);
  }
}

/** What agrees, or shares. */
async function startEngine(
  engine: 'nats' | 'redis',
  folder: string,
): Promise<{ server: ChildProcess; place: string }> {
  const port = await freePort();
  const words =
    engine === 'nats'
      ? ['nats-server', '-a', '127.0.0.1', '-p', `${port}`, '-js', '-sd', folder]
      : ['redis-server', '--bind', '127.0.0.1', '--port', `${port}`, '--save', '', '--dir', folder];
  const [command = '', ...args] = words;
  const server = spawn(command, args, { stdio: 'ignore' });
  while (!(await isListening(port))) await setTimeout(20);
  return { server, place: `${engine}://127.0.0.1:${port}` };
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const outcome = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return outcome;
}
