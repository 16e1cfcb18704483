import { type Profiler, Session } from 'node:inspector/promises';

/** What was run of one source: a byte a character. */
interface Script {
  readonly known: Uint8Array;
  readonly now: Uint8Array;
}

/**
 * Which characters of some sources have been run, by the blocks that V8 counts. What is counted runs slower,
 * and {@link take} costs some milliseconds; so many cases are looked at together.
 */
export class Coverage {
  readonly #session = new Session();
  readonly #covers: readonly string[];
  readonly #scripts = new Map<string, Script>();
  /** Those that something was run of since the call of {@link take} before the last. */
  #taken: Script[] = [];

  /** @param covers how the paths of what counts begin, below src/ */
  constructor(covers: readonly string[]) {
    this.#covers = covers;
  }

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post('Profiler.enable');
    await this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  stop(): void {
    this.#session.disconnect();
  }

  /** Characters that were run so far. */
  get characters(): number {
    let sum = 0;
    for (const { known } of this.#scripts.values()) for (const each of known) sum += each;
    return sum;
  }

  /** How many characters were run since the last call that are not {@link keep kept}. */
  async take(): Promise<number> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    this.#taken = [];
    let added = 0;
    for (const script of result) if (this.#counts(script.url)) added += this.#add(script);
    return added;
  }

  /** What the last call of {@link take} told is known from here on. */
  keep(): void {
    for (const { known, now } of this.#taken)
      for (let i = 0; i < now.length; i++) if (now[i] === 1) known[i] = 1;
  }

  #counts(url: string): boolean {
    const at = url.indexOf('/src/');
    return at !== -1 && this.#covers.some(each => url.startsWith(each, at + '/src/'.length));
  }

  #add({ url, functions }: Profiler.ScriptCoverage): number {
    let script = this.#scripts.get(url);
    const length = Math.max(...functions.map(({ ranges }) => ranges[0]?.endOffset ?? 0));
    if (script === undefined || script.known.length < length) {
      const known = new Uint8Array(length);
      known.set(script?.known ?? []);
      script = { known, now: new Uint8Array(length) };
      this.#scripts.set(url, script);
    }
    const { known, now } = script;
    now.fill(0);
    // From the outside inward, as V8 tells them.
    for (const { ranges } of functions)
      for (const { startOffset, endOffset, count } of ranges)
        now.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    this.#taken.push(script);
    let added = 0;
    for (let i = 0; i < now.length; i++) if (now[i] === 1 && known[i] === 0) added += 1;
    return added;
  }
}
