import { writeSync } from 'node:fs';
import { type Cue, LineReader, type Told } from '../lines.ts';
import { Tally } from '../tally.ts';

const TALLY_MS = 100;
const FAILED = 0x46;

/** How an actor hears of the director, and tells it: its standard streams, nothing of what is tried here. */
export class ActorLine {
  readonly tally = new Tally();
  readonly #name: string;
  readonly #reader: LineReader;
  /** Those whose cues come here, and who is to be given them. */
  readonly relays = new Map<string, (line: string) => void>();

  /** @param obey does what a cue says. What it resolves with is the answer */
  constructor(name: string, obey: (cue: Cue) => Promise<unknown>) {
    this.#name = name;
    this.#reader = new LineReader(value => void this.#hear(value as Cue, obey));
    process.stdin.setEncoding('utf8').on('data', this.#reader.take);
    // Nobody is there any more to tell.
    process.stdin.on('end', () => process.exit(0));
    setInterval(() => this.#tellTally(), TALLY_MS);
    const broken = (error: unknown): void => {
      this.trouble(error);
      process.exit(FAILED);
    };
    process.on('uncaughtException', broken);
    process.on('unhandledRejection', broken);
  }

  up(): void {
    this.#tell({ from: this.#name, is: 'up', pid: process.pid });
  }

  /** Says at once that something is not as it was made. */
  wrong(what: string): void {
    this.#tell({ from: this.#name, is: 'wrong', what });
  }

  /** Says that something failed as it may not. */
  trouble(error: unknown): void {
    const what =
      error instanceof Error ? `${(error as { code?: string }).code ?? ''} ${error.stack}` : `${error}`;
    this.#tell({ from: this.#name, is: 'trouble', what });
  }

  async #hear(cue: Cue, obey: (cue: Cue) => Promise<unknown>): Promise<void> {
    const relay = this.relays.get(cue.to);
    if (relay !== undefined) return relay(`${JSON.stringify(cue)}\n`);
    if (cue.to !== this.#name) return;
    const answer = await obey(cue);
    this.#tellTally();
    this.#tell({ from: this.#name, is: 'answer', id: cue.id, answer });
  }

  #tellTally(): void {
    const counts = this.tally.take();
    if (counts !== undefined) this.#tell({ from: this.#name, is: 'tally', counts });
  }

  /** Written when this returns: it may be the last thing that this process does. */
  #tell(told: Told): void {
    const bytes = Buffer.from(`${JSON.stringify(told)}\n`);
    for (let at = 0; at < bytes.length; ) {
      try {
        at += writeSync(1, bytes, at);
      } catch (error) {
        // The director has other things to do.
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') Atomics.wait(PAUSE, 0, 0, 1);
        else process.exit(0);
      }
    }
  }
}

const PAUSE = new Int32Array(new SharedArrayBuffer(4));
