import { realpathSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { now } from '../../base/clock.ts';
import type { Audience, Audiences } from '../../memory/audience.ts';
import type { Entry } from '../../store/entry.ts';
import type { PinnedVersions } from '../../store/pinned-versions.ts';
import type { Greeting } from '../../store/store-protocol.ts';
import type { FoundVersion, StoreOwner } from '../../store/store-service.ts';
import { isInside } from '../load/load.ts';
import type { ViewedFiles } from './cache-view.ts';
import type { FileFacts } from './file-entry.ts';

/** Where a directory was that indexes are confined to. */
interface ConfinedRoot {
  readonly realPath: string;
  readonly seenAt: number;
}

/**
 * The directories that indexes are confined to, and who may see what lies in them. The audience of a file is
 * all those roots that it lies in: so whoever is confined to one of these may ask for every file that has the
 * same audience, and may as well see their memory.
 */
export class ConfinedRoots {
  readonly #audiences: Audiences;
  readonly #maxStale: number;
  /** By the path that was given, which may lead through links, also such that are exchanged later. */
  readonly #roots = new Map<string, ConfinedRoot>();
  /** Those that all files below may be asked for. */
  readonly #whole = new Set<string>();
  /** By root and name, which may be those of several. */
  readonly #views = new Map<string, ViewedFiles[]>();

  /** @param maxStale milliseconds for which a root is taken to be where it was seen */
  constructor(audiences: Audiences, maxStale: number) {
    this.#audiences = audiences;
    this.#maxStale = maxStale;
  }

  /** @throws as realpath(3) says */
  add(root: string): void {
    this.#roots.set(root, { realPath: realpathSync(root), seenAt: now() });
    this.#whole.add(root);
  }

  addView(view: ViewedFiles): void {
    const { root } = view;
    // It may come later, and where it is is looked at again.
    if (!this.#roots.has(root)) this.#roots.set(root, { realPath: realPathNow(root), seenAt: 0 });
    const key = keyOf(view);
    this.#views.set(key, [...(this.#views.get(key) ?? []), view]);
  }

  removeView(view: ViewedFiles): void {
    const key = keyOf(view);
    const others = (this.#views.get(key) ?? []).filter(each => each !== view);
    if (others.length === 0) this.#views.delete(key);
    else this.#views.set(key, others);
  }

  /** Where a root is, if that was seen a moment ago. */
  rightNow(root: string): string | undefined {
    const known = this.#roots.get(root);
    return known !== undefined && known.seenAt > now() - this.#maxStale ? known.realPath : undefined;
  }

  async lookAt(root: string): Promise<string> {
    const seenAt = now();
    const before = this.#roots.get(root)?.realPath ?? root;
    // With none there, no path leads through it.
    const realPath = await realpath(root).catch(() => before);
    this.#roots.set(root, { realPath, seenAt });
    return realPath;
  }

  /** Who may see the file at a real path. O(roots and views). */
  audienceOf(path: string): Audience {
    if (this.#roots.size === 0) return this.#audiences.none;
    const groups: string[] = [];
    for (const root of this.#whole) {
      const { realPath } = this.#roots.get(root) as ConfinedRoot;
      // One that leads elsewhere by now is another root: who had the former is not to see what comes there.
      if (isInside(path, realPath)) groups.push(JSON.stringify([root, realPath]));
    }
    for (const [key, views] of this.#views) {
      const { realPath } = this.#roots.get((views[0] as ViewedFiles).root) as ConfinedRoot;
      if (views.some(view => view.admits(path, realPath))) groups.push(JSON.stringify([key, realPath, '']));
    }
    return this.#audiences.of(groups);
  }
}

function realPathNow(root: string): string {
  try {
    return realpathSync(root);
  } catch {
    return root;
  }
}

function keyOf({ root, options }: ViewedFiles): string {
  return JSON.stringify([root, options.name]);
}

/** Files for an index that is confined to several directories: each file is found by the one it lies in. */
export class ConfinedFiles implements StoreOwner<FileFacts> {
  readonly #files: StoreOwner<FileFacts>;
  readonly #roots: readonly string[];

  /** @param roots paths, which may lead through links; one at least */
  constructor(files: StoreOwner<FileFacts>, roots: readonly string[]) {
    this.#files = files;
    // Of those that lie in one another the innermost.
    this.#roots = [...roots].sort((a, b) => b.length - a.length);
  }

  get greeting(): Greeting {
    return this.#files.greeting;
  }

  find(
    key: string,
    since: number,
    root: string | undefined,
    pinned: PinnedVersions<FileFacts>,
  ): Promise<FoundVersion<FileFacts>> | FoundVersion<FileFacts> {
    return this.#files.find(key, since, this.#rootOf(key) ?? root, pinned);
  }

  bySerial(serial: number): Entry<FileFacts, unknown> | undefined {
    return this.#files.bySerial(serial);
  }

  used(entry: Entry<FileFacts, unknown>, times: number): void {
    this.#files.used(entry, times);
  }

  wouldKeep(key: string, size: number, uses: number): boolean {
    const root = this.#rootOf(key);
    return root !== undefined && this.#files.wouldKeep?.(key, size, uses, root) !== false;
  }

  /** By its name, or where the root is just now: links are followed to such paths. */
  #rootOf(key: string): string | undefined {
    return (
      this.#roots.find(root => isInside(key, root)) ??
      this.#roots.find(root => {
        try {
          return isInside(key, realpathSync(root));
        } catch {
          return false;
        }
      })
    );
  }
}
