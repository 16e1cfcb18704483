import { leadsSession, signalOnParentDeath } from '../../../os/process/parent-death.ts';

/** How long what passes a signal on may take for it. */
const PASSED_ON_MS = 1000;

/**
 * npm, npx or the like, where one has started this process: `npx iolite serve`. Who wants the server to end
 * sends SIGTERM to what they have started. That passes it on to a shell, and the shell ends without a word to
 * us: so its end is taken for the signal.
 */
export class PackageRunner {
  /** The shell between us, or npm itself. */
  readonly #parent: number;
  #signalledAt: number | undefined;
  /** Whether the parent has gone, as of the last signal. */
  #isOrphan = false;

  private constructor(parent: number) {
    this.#parent = parent;
  }

  /**
   * The one that has started this process, whose end is SIGTERM from now on. Undefined without one, and where
   * this process is to outlive it: its parent has gone already, or it is in a session of its own.
   */
  static find(environment = process.env, parent = process.ppid): PackageRunner | undefined {
    const { npm_execpath: npm, npm_lifecycle_event: script } = environment;
    if ((npm === undefined && script === undefined) || parent === 1 || leadsSession()) return undefined;
    try {
      signalOnParentDeath('SIGTERM', parent);
    } catch {
      // A sandbox may forbid it: signals come by themselves then, or not at all.
    }
    return new PackageRunner(parent);
  }

  /**
   * Whether a signal to end is the one that came before: npm passes on what a terminal has sent to us as
   * well, and the end of the shell follows. To be told of each.
   */
  repeats(parent = process.ppid): boolean {
    const now = performance.now();
    const since = now - (this.#signalledAt ?? Number.NEGATIVE_INFINITY);
    this.#signalledAt ??= now;
    const isOrphan = parent !== this.#parent;
    const hasJustLost = isOrphan && !this.#isOrphan;
    this.#isOrphan = isOrphan;
    return since < PASSED_ON_MS || (since < Number.POSITIVE_INFINITY && hasJustLost);
  }
}
