import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { ended } from '../../support/family.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

/** Whether there are servers to test with. */
const HAS_NATS = spawnSync('nats-server', ['--version']).status === 0;

/** Says so where tests are left out. */
export const withNats = HAS_NATS ? {} : { skip: 'nats-server is not installed' };

/** A real server of NATS with JetStream, at a port of its own that it keeps when it is started again. */
export class NatsServer implements AsyncDisposable {
  readonly port: number;
  readonly #folder = new Folder();
  readonly #others: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, others: readonly string[]) {
    this.port = port;
    this.#others = others;
  }

  /** One server, or one of several. @param others further arguments */
  static async start(port?: number, others: readonly string[] = []): Promise<NatsServer> {
    const server = new NatsServer(port ?? (await freePort()), others);
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#process?.pid as number;
  }

  /** Starts it, with what it had stored; until it takes connections. */
  async start(): Promise<void> {
    const address = ['-a', '127.0.0.1', '-p', String(this.port)];
    const child = spawn('nats-server', [...address, '-js', '-sd', this.#folder.path, ...this.#others], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = child;
    const lines = createInterface({ input: child.stderr });
    const ready = new Promise<void>((resolve, reject) => {
      const said: string[] = [];
      lines.on('line', line => {
        said.push(line);
        if (line.includes('Server is ready')) resolve();
      });
      child.once('exit', () => reject(new Error(`nats-server ended: ${said.slice(-5).join('\n')}`)));
      child.once('error', reject);
    });
    await watchdog(ready, 'nats-server');
  }

  /** Ends it at once. What it has stored stays. */
  async kill(): Promise<void> {
    if (this.#process !== undefined) await ended(this.#process, 'SIGKILL');
    this.#process = undefined;
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Stops it, until no thread of it does anything any more. */
  async stop(): Promise<void> {
    this.signal('SIGSTOP');
    const isRunning = () => !readFileSync(`/proc/${this.pid}/stat`, 'latin1').includes(') T ');
    const stopped = (async () => {
      while (isRunning()) await setImmediate();
    })();
    await watchdog(stopped, 'nats-server to stand still');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#folder[Symbol.dispose]();
  }
}

/** Three servers that agree by majority. */
export class NatsTrio implements AsyncDisposable {
  readonly servers: readonly NatsServer[];

  private constructor(servers: readonly NatsServer[]) {
    this.servers = servers;
  }

  static async start(): Promise<NatsTrio> {
    const ports = await Promise.all(Array.from({ length: 6 }, freePort));
    const routes = ports
      .slice(3)
      .map(port => `nats://127.0.0.1:${port}`)
      .join(',');
    const servers = await Promise.all(
      [0, 1, 2].map(index =>
        NatsServer.start(ports[index], [
          ...['-n', `n${index}`, '--cluster_name', 'trio'],
          ...['--cluster', `nats://127.0.0.1:${ports[index + 3]}`, '--routes', routes],
        ]),
      ),
    );
    return new NatsTrio(servers);
  }

  get urls(): string[] {
    return this.servers.map(({ url }) => url);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.servers) await server[Symbol.asyncDispose]();
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
