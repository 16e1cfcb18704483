import { type ChildProcess, execFile, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort, need, startNginx, startProxy, startTunedProxy, startUploadProxy } from './nginx.ts';

const run = promisify(execFile);

/** A server in a process of its own. */
export interface Peer {
  readonly name: string;
  readonly port: number;
}

/** Servers, and the folder whose files they serve; all of it goes when it is disposed of. */
export class Peers {
  readonly root: string;
  /** For what else they need. */
  readonly folder = mkdtempSync(join(tmpdir(), 'iolite-bench-'));
  readonly #children: ChildProcess[] = [];

  /** @param sizes of the files, which are named by them */
  constructor(sizes: readonly number[]) {
    need(['nginx', 'nginx-light'], ['wrk', 'wrk']);
    this.root = join(this.folder, 'site');
    mkdirSync(this.root);
    for (const size of sizes) {
      const bytes = Buffer.alloc(size);
      for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8)) & 255;
      writeFileSync(join(this.root, `${size}.bin`), bytes);
    }
    process.once('exit', () => this[Symbol.dispose]());
  }

  node(name: string): Promise<Peer> {
    return this.start('http-server.js', name, this.root);
  }

  /** Runs a module that tells its parent the port. */
  async start(module: string, name: string, ...args: string[]): Promise<Peer> {
    const child = fork(fileURLToPath(new URL(module, import.meta.url)), [name, ...args], { execArgv: [] });
    this.#children.push(child);
    const [port] = (await once(child, 'message')) as [number];
    return { name, port };
  }

  /** `iolite serve` with workers that are attached to its cache. */
  async serve(workers: number): Promise<Peer> {
    const port = await freePort();
    const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
    const args = [program, 'serve', this.root, '--port', String(port), '--workers', String(workers)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#children.push(child);
    await once(child.stdout, 'data'); // It says where it listens.
    return { name: `iolite serve, ${workers} workers`, port };
  }

  /** nginx in front of a server at a Unix socket. */
  async proxy(socket: string, tuned: boolean): Promise<Peer> {
    const { child, port } = await (tuned ? startTunedProxy : startProxy)(this.folder, socket);
    this.#children.push(child);
    return { name: tuned ? 'nginx (tuned) and node' : 'nginx and node', port };
  }

  /** nginx in front of a server at a Unix socket, for bodies of requests: whole, or as they come. */
  async uploadProxy(socket: string, whole: boolean): Promise<Peer> {
    const { child, port } = await startUploadProxy(this.folder, socket, whole);
    this.#children.push(child);
    return { name: `nginx (tuned, ${whole ? 'whole' : 'as they come'}) and node`, port };
  }

  async nginx(): Promise<Peer> {
    const { child, port } = await startNginx(this.folder, this.root);
    this.#children.push(child);
    return { name: 'nginx', port };
  }

  /** nginx that copies files into the sockets, as servers did before sendfile(2). */
  async copyingNginx(): Promise<Peer> {
    const { child, port } = await startNginx(this.folder, this.root, { sendfile: false });
    this.#children.push(child);
    return { name: 'nginx, copying', port };
  }

  [Symbol.dispose](): void {
    for (const child of this.#children.splice(0)) child.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/**
 * What a server does under wrk, with one thread.
 * @param seconds how long
 * @returns requests per second
 */
export async function wrk(
  { name, port }: Peer,
  path: string,
  { connections = 16, seconds, close = false }: { connections?: number; seconds: number; close?: boolean },
): Promise<number> {
  const options = ['-t1', `-c${connections}`, `-d${seconds}s`, ...(close ? ['-H', 'Connection: close'] : [])];
  const { stdout } = await run('wrk', [...options, `http://127.0.0.1:${port}${path}`]);
  if (/Non-2xx/.test(stdout)) throw new Error(`${name} failed:\n${stdout}`);
  return Number(/Requests\/sec: +([0-9.]+)/.exec(stdout)?.[1]);
}
