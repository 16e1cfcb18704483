import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Cue, LineReader, type Told } from './lines.ts';

/** A program with a part in it. */
export interface Part {
  readonly name: string;
  /** What Node.js runs; or with `isForeign` a program that is none of it. */
  readonly program: string;
  readonly isForeign?: boolean;
  /** Its arguments in one of its lives, counted from 0. */
  readonly args: (life: number) => readonly string[];
  /** What a shell does before it becomes the program: what it sets is in force from the beginning. */
  readonly prelude?: string;
  /** Those whom it starts itself, by name. */
  readonly brings: readonly string[];
  /** Whether it is one of ours, and tells and is told by lines; if not it is there when it says where. */
  readonly speaks: boolean;
}

const SERVES = /https?:\/\/|Server is ready/;
/** Before one is started anew that did not come up: what it wants may be another one's for a moment. */
const RETRY_MS = 300;
const COMPLAINT_CHARACTERS = 600;

/** Who is told of actors. */
export interface Audience {
  told(what: Told): void;
  /** One has ended that was not killed by us. */
  fell(name: string, how: string): void;
}

/** A process of the director's, which is started anew whenever it ends. */
export class Actor {
  readonly part: Part;
  readonly #audience: Audience;
  #process: ChildProcess | undefined;
  #life = 0;
  #isOver = false;
  /** Whether its end is of our doing. */
  #isKilled = false;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(part: Part, audience: Audience) {
    this.part = part;
    this.#audience = audience;
  }

  /** How often it was started anew. */
  get lives(): number {
    return this.#life;
  }

  start(): void {
    const { program, args, name, speaks, prelude, isForeign = false } = this.part;
    const node = isForeign ? [] : [process.execPath, '--expose-gc'];
    const command = [...node, program, ...args(this.#life++)];
    const shell = ['/bin/sh', '-c', `${prelude} && exec "$@"`, 'sh'];
    const [first = '', ...rest] = prelude === undefined ? command : [...shell, ...command];
    const child = spawn(first, rest, {
      stdio: ['pipe', 'pipe', speaks ? 'inherit' : 'pipe'],
    });
    this.#process = child;
    this.#isKilled = false;
    child.stdin?.on('error', () => {});
    const reader = new LineReader(value => this.#audience.told(value as Told));
    let isUp = speaks;
    // Of what a server complains, the end: why it has ended.
    let complaint = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-COMPLAINT_CHARACTERS);
    });
    const heard = (text: string): void => {
      if (!SERVES.test(text)) return;
      isUp = true;
      this.#audience.told({ from: name, is: 'up', pid: child.pid as number });
    };
    child.stdout?.setEncoding('utf8').on('data', speaks ? reader.take : heard);
    // Whoever outlives a server may have its streams.
    this.#ended = once(child, speaks ? 'close' : 'exit').then(([code, signal]) => {
      if (this.#process === child) this.#process = undefined;
      if (this.#isOver) return;
      if (!this.#isKilled && isUp)
        this.#audience.fell(name, `ended by itself: ${signal ?? code} ${complaint}`);
      if (this.#isKilled || isUp) this.start();
      else setTimeout(() => this.#isOver || this.start(), RETRY_MS);
    });
  }

  /** Gives it a cue, or one of those whom it has started. */
  cue(cue: Cue): void {
    this.#process?.stdin?.write(`${JSON.stringify(cue)}\n`);
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** @returns whether there was somebody to kill */
  kill(): boolean {
    if (this.#process === undefined || this.#isKilled) return false;
    this.#isKilled = true;
    return this.#process.kill('SIGKILL');
  }

  /**
   * Asks it to end (SIGTERM); it is not started anew.
   * @returns how it ended; undefined when it did not in time
   */
  async finish(ms: number): Promise<string | undefined> {
    const child = this.#process;
    if (child === undefined) return 'it was not there';
    this.#isOver = true;
    child.kill('SIGTERM');
    let late: NodeJS.Timeout | undefined;
    const lateness = new Promise<boolean>(resolve => {
      late = setTimeout(resolve, ms, true);
    });
    const isLate = await Promise.race([this.#ended.then(() => false), lateness]);
    clearTimeout(late);
    if (isLate) return undefined;
    return child.signalCode ?? `${child.exitCode}`;
  }

  /** Starts it anew when it has {@link finish finished}. */
  restart(): void {
    this.#isOver = false;
    this.start();
  }

  /** Ends it for good. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#process?.kill('SIGKILL');
    await this.#ended;
  }
}
