import { readdir } from 'node:fs/promises';
import { now } from '../../base/clock.ts';
import type { Folder } from '../watch/folder.ts';
import { hasSibling, isSiblingName } from './siblings.ts';

interface Listing {
  readonly names: ReadonlySet<string>;
  readonly listedAt: number;
}

/**
 * Which files of a folder may have forms beside them, by one look at its names: most have none, and to look
 * for each of the forms of each file takes longer than to read it.
 */
export class FormNames {
  readonly #life: number;
  readonly #listings = new WeakMap<Folder, Listing>();
  /** Folders that are being listed. */
  readonly #listing = new Map<Folder, Promise<void>>();

  /** @param life milliseconds that a look is good for where changes are not told of */
  constructor(life: number) {
    this.#life = life;
  }

  /** Whether a file may have forms beside it, as far as is known without a look. */
  mayHaveForms(folder: Folder, name: string): boolean {
    const listing = this.#listings.get(folder);
    if (listing === undefined) return true;
    const isRight = folder.isCovered || listing.listedAt > now() - this.#life;
    return !isRight || hasSibling(name, listing.names);
  }

  /** Lists a folder. Never fails: then nothing is known. */
  list(folder: Folder): Promise<void> {
    const running = this.#listing.get(folder);
    if (running !== undefined) return running;
    const listing = this.#list(folder).finally(() => this.#listing.delete(folder));
    this.#listing.set(folder, listing);
    return listing;
  }

  /** The name of a form has come or gone. */
  changed(folder: Folder): void {
    this.#listings.delete(folder);
    // What is being listed may be older than that.
    this.#listing.delete(folder);
  }

  async #list(folder: Folder): Promise<void> {
    const listedAt = now();
    const { hasWatch } = folder;
    try {
      const names = new Set((await readdir(folder.path)).filter(isSiblingName));
      const isTold = this.#listing.has(folder) && (!hasWatch || folder.hasWatch);
      if (isTold) this.#listings.set(folder, { names, listedAt });
    } catch {
      // Who may not list it looks for each.
    }
  }
}
