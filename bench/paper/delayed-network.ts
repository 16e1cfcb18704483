import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { atExit } from '../cleanup.ts';

const SERVER_HOST = '10.213.77.1';
const CLIENT_HOST = '10.213.77.2';
/** Large packets: each costs the delaying process a few microseconds, on a processor that others want. */
const PACKET_BYTES = '9000';
const QUEUE_PACKETS = '20000';

/**
 * A network between servers of this machine and clients in a network namespace, whose packets take their
 * time, each way. TCP has to keep what it has sent until it is acknowledged, as with clients that are far
 * away. (The kernel's own netem is missing from small kernels; a relay of connections would acknowledge at
 * once.)
 */
export class DelayedNetwork implements Disposable {
  readonly host = SERVER_HOST;
  readonly #namespace = `iolite-bench-${process.pid}`;
  readonly #line: ChildProcess;
  readonly #forget: () => void;

  private constructor(line: ChildProcess) {
    this.#line = line;
    this.#forget = atExit(() => this.#end());
  }

  /** @throws Error where network namespaces or TUN are missing, or not for this user */
  static async create(): Promise<DelayedNetwork> {
    const names = ['iolbench0', 'iolbench1'] as const;
    const program = fileURLToPath(new URL('./delay-line-child.js', import.meta.url));
    const line = fork(program, names, { execArgv: [] });
    const network = new DelayedNetwork(line);
    try {
      const [what] = (await Promise.race([once(line, 'message'), once(line, 'exit')])) as [unknown];
      if (what !== 'open') throw new Error('TUN interfaces cannot be made');
      network.#connect(names);
      return network;
    } catch (error) {
      network[Symbol.dispose]();
      throw error;
    }
  }

  /** What a client's command is appended to. */
  get command(): string[] {
    return ['ip', 'netns', 'exec', this.#namespace];
  }

  /** @param milliseconds what each packet takes, there as well as back */
  setDelay(milliseconds: number): void {
    this.#line.send(milliseconds);
  }

  [Symbol.dispose](): void {
    this.#end();
    this.#forget();
  }

  #connect([server, client]: readonly [string, string]): void {
    const ip = (...args: string[]): void => void execFileSync('ip', args);
    ip('netns', 'add', this.#namespace);
    ip('link', 'set', client, 'netns', this.#namespace);
    const shape = ['mtu', PACKET_BYTES, 'txqueuelen', QUEUE_PACKETS, 'up'];
    ip('addr', 'add', SERVER_HOST, 'peer', CLIENT_HOST, 'dev', server);
    ip('link', 'set', server, ...shape);
    const inside = ['-n', this.#namespace];
    ip(...inside, 'link', 'set', 'lo', 'up');
    ip(...inside, 'addr', 'add', CLIENT_HOST, 'peer', SERVER_HOST, 'dev', client);
    ip(...inside, 'link', 'set', client, ...shape);
  }

  #end(): void {
    this.#line.kill('SIGKILL');
    try {
      execFileSync('ip', ['netns', 'del', this.#namespace], { stdio: 'ignore' });
    } catch {
      // There is none.
    }
  }
}
