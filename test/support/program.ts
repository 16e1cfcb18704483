import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ended } from './family.ts';
import { watchdog } from './watchdog.ts';

/** How a program is started: for node, as which user, in which folder. */
interface ProgramOptions {
  readonly execArgv?: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
  readonly cwd?: string;
}

/** A process that iolite did not start: a TypeScript program that talks by lines. Killed when disposed of. */
export class Program {
  readonly process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(module: URL, args: readonly string[] = [], options: ProgramOptions = {}) {
    const { execArgv = process.execArgv, ...others } = options;
    this.process = spawn(process.execPath, [...execArgv, fileURLToPath(module), ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      ...others,
    });
    this.#lines = createInterface({ input: this.process.stdout! })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.process.pid as number;
  }

  /** The next line it writes, as JSON; undefined at the end. */
  async line(): Promise<unknown> {
    const { value, done } = await watchdog(this.#lines.next(), `a line of process ${this.pid}`);
    return done ? undefined : JSON.parse(value);
  }

  /** Sends it a line, and returns the next one it writes. */
  async ask(question: unknown): Promise<unknown> {
    this.process.stdin?.write(`${JSON.stringify(question)}\n`);
    return this.line();
  }

  kill(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.stdin?.destroy();
    await ended(this.process, 'SIGKILL');
  }
}
