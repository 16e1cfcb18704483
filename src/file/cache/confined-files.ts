import { realpathSync } from 'node:fs';
import type { Entry } from '../../store/entry.ts';
import type { PinnedVersions } from '../../store/pinned-versions.ts';
import type { Greeting } from '../../store/store-protocol.ts';
import type { FoundVersion, StoreOwner } from '../../store/store-service.ts';
import type { FileFacts } from './file-entry.ts';
import { isInside } from './load.ts';

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
