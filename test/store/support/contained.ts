/**
 * Servers in a container with less memory than files: real processes in a real memory cgroup.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { MAIN } from '../../cli/support/tools.ts';
import { Folder } from '../../support/folder.ts';
import { MemoryCgroup } from '../../support/memory-cgroup.ts';
import { watchdog } from '../../support/watchdog.ts';

const MiB = 1024 ** 2;
const LIMIT_BYTES = 256 * MiB;
const LOWER_LIMIT_BYTES = 160 * MiB;
const CLIENTS = 4;
const PROGRAM = fileURLToPath(new URL('../children/contained-server.mjs', import.meta.url));

/** Whether there can be a memory cgroup, or why not. */
export async function reasonToSkip(): Promise<string | false> {
  const cgroup = MemoryCgroup.create(LIMIT_BYTES);
  if (typeof cgroup === 'string') return cgroup;
  await cgroup[Symbol.asyncDispose]();
  return false;
}

function hashOf(bytes: Buffer): string {
  return createHash('sha1').update(bytes).digest('hex');
}

/** The hash of what is under a path, with its status. */
function fetchHash(port: number, path: string, agent: Agent): Promise<string> {
  const answer = new Promise<string>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, agent }, async response => {
      const hash = createHash('sha1');
      try {
        for await (const piece of response) hash.update(piece);
        resolve(response.statusCode === 200 ? hash.digest('hex') : `status ${response.statusCode}`);
      } catch (error) {
        reject(error);
      }
    });
    sent.on('error', reject).end();
  });
  return watchdog(answer, `an answer to ${path}`, 60_000);
}

/** Files of random bytes, and their hashes by name. */
export class Site implements Disposable {
  readonly #folder = new Folder();
  readonly hashes = new Map<string, string>();

  constructor(count: number, size: number) {
    const bytes = randomBytes(size);
    for (let i = 0; i < count; i++) {
      bytes.writeUInt32LE(i);
      const name = `f${i}.bin`;
      writeFileSync(this.#folder.file(name), bytes);
      this.hashes.set(name, hashOf(bytes));
    }
  }

  get root(): string {
    return this.#folder.path;
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }

  /** Each file, asked for once by one of several clients. */
  async askForEach(port: number): Promise<void> {
    const names = this.hashes.keys();
    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
    const client = async (): Promise<void> => {
      for (const name of names)
        assert.equal(await fetchHash(port, `/${name}`, agent), this.hashes.get(name), name);
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    agent.destroy();
  }
}

/** Starts a server in a cgroup, asks it for everything, lowers the limit, and asks again. */
async function serveAll(site: Site, args: readonly string[], portIn: RegExp): Promise<void> {
  const cgroup = MemoryCgroup.create(LIMIT_BYTES);
  assert.ok(typeof cgroup === 'object');
  await using _ = cgroup;
  const server = cgroup.spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(server, 'close');
  try {
    let port: string | undefined;
    for await (const line of createInterface({ input: server.stdout as NodeJS.ReadableStream })) {
      port = portIn.exec(line)?.[1];
      if (port !== undefined) break;
    }
    server.stdout?.resume();
    for (const limit of [LIMIT_BYTES, LOWER_LIMIT_BYTES]) {
      await cgroup.lower(limit);
      for (let round = 0; round < 2; round++) await site.askForEach(Number(port));
      assert.ok(cgroup.usage <= limit);
    }
    assert.equal(cgroup.kills, 0);
    assert.deepEqual([server.exitCode, server.signalCode], [null, null]);
  } catch (error) {
    assert.equal(cgroup.kills, 0, `somebody was killed: ${error}`);
    throw error;
  } finally {
    server.kill('SIGTERM');
    await watchdog(closed, 'the server to end', 40_000);
  }
}

/** By the command, as it is by default. */
export function serveByCommand(site: Site): Promise<void> {
  return serveAll(site, [MAIN, 'serve', site.root, '--port', '0'], /:(\d+)\/ with/);
}

/** By a program with createServer() and createFileCache(). @param options of the cache */
export function serveByProgram(site: Site, options: { readonly budget?: number } = {}): Promise<void> {
  return serveAll(site, [PROGRAM, site.root, JSON.stringify(options)], /"port":(\d+)/);
}
