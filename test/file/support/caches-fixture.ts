import { setImmediate } from 'node:timers/promises';
import { now } from '../../../src/base/clock.ts';
import { type AttachedFileCache, attachFileCache } from '../../../src/file/cache/attached-cache.ts';
import type { FileCache } from '../../../src/file/cache/file-cache.ts';
import {
  createFileCache,
  type FileCacheOptions,
  type OwnedFileCache,
} from '../../../src/file/cache/owned-cache.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

const BUDGET_BYTES = 4 * 1024 ** 2;

/** A folder, a cache, and one that is attached to it. */
export class CachesFixture implements Disposable {
  readonly folder = new Folder();
  readonly owned: OwnedFileCache;
  readonly #pair = new ChannelPair();
  #attached: AttachedFileCache | undefined;

  constructor(options: Partial<FileCacheOptions>) {
    this.owned = createFileCache({ budget: BUDGET_BYTES, ...options });
  }

  /** @param root a name in the folder that the attached one is confined to */
  async attach(root?: string): Promise<this> {
    this.owned.serve(this.#pair.near, root === undefined ? {} : { root: this.folder.file(root) });
    this.#attached = await attachFileCache(this.#pair.far);
    return this;
  }

  get attached(): AttachedFileCache {
    return this.#attached as AttachedFileCache;
  }

  [Symbol.dispose](): void {
    this.#attached?.close();
    this.owned.close();
    this.#pair[Symbol.dispose]();
    this.folder[Symbol.dispose]();
  }
}

export async function until(condition: () => boolean, what: string): Promise<void> {
  const wait = async (): Promise<void> => {
    while (!condition()) await setImmediate();
  };
  await watchdog(wait(), what);
}

/** Lets so many milliseconds of the machine's clock go by. */
export function passed(milliseconds: number): Promise<void> {
  const end = now() + milliseconds;
  return until(() => now() > end, 'time to pass');
}

export async function textOf(cache: FileCache, path: string): Promise<string> {
  using content = await watchdog(cache.read(path), `the content of ${path}`);
  return content.toString();
}
