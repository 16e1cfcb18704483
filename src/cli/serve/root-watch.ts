import { realpath } from 'node:fs/promises';

/** How old what is known of a link may be: as old as files are that are not watched. */
const LOOK_EVERY_MS = 1000;

/**
 * Looks whether directories that are served lead elsewhere than they did: a link was exchanged for another.
 * One look a second at each.
 */
export class RootWatch {
  readonly #moved: () => void;
  #timer: NodeJS.Timeout | undefined;
  #known = new Map<string, string | undefined>();

  /** @param moved called when one of them leads elsewhere, to another directory that is there */
  constructor(moved: () => void) {
    this.#moved = moved;
  }

  /** Watches these from now on, in place of those before. */
  async watch(roots: readonly string[]): Promise<void> {
    clearInterval(this.#timer);
    const known = new Map<string, string | undefined>();
    for (const root of roots) known.set(root, await endOf(root));
    this.#known = known;
    if (roots.length > 0) this.#timer = setInterval(() => void this.#look(known), LOOK_EVERY_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#known = new Map();
  }

  async #look(known: Map<string, string | undefined>): Promise<void> {
    let hasMoved = false;
    for (const [root, before] of known) {
      const now = await endOf(root);
      if (now === undefined || now === before) continue;
      known.set(root, now);
      hasMoved = true;
    }
    if (hasMoved && known === this.#known) this.#moved();
  }
}

function endOf(root: string): Promise<string | undefined> {
  return realpath(root).catch(() => undefined);
}
