import {
  chmodSync,
  closeSync,
  fdatasyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SeededRandom } from '../src/base/seeded-random.ts';
import { dropPageCache } from '../src/os/page-cache.ts';
import { atExit } from './cleanup.ts';

/** statfs(2) */
const TMPFS_MAGIC = 0x01021994;
const DIRECTORY_FILES = 500;
const SEEDS = { bytes: 1, order: 2 } as const;

/**
 * Files on a disk, in directories of 500, every second of which lies in another one. Their bytes differ, and
 * do not compress. Below BENCH_DIR, or the directory for temporary files, or /var/tmp where that is in
 * memory.
 */
export class Site implements AsyncDisposable {
  /** For what belongs to it: lists, settings of servers. Goes with it. */
  readonly folder: string;
  readonly root: string;
  readonly #sizes: readonly number[];
  readonly #forget: () => void;

  /** @param sizes of its files, in bytes */
  constructor(sizes: readonly number[]) {
    this.folder = mkdtempSync(join(placeOnDisk(), 'iolite-bench-'));
    this.#forget = atExit(() => rmSync(this.folder, { recursive: true, force: true }));
    // Other users' processes serve it.
    chmodSync(this.folder, 0o755);
    this.root = join(this.folder, 'site');
    this.#sizes = sizes;
    const random = new SeededRandom(SEEDS.bytes);
    const noise = Buffer.from(
      Array.from(
        { length: sizes.reduce((most, size) => Math.max(most, size), 0) },
        () => random.uniform() * 256,
      ),
    );
    for (const [number, size] of sizes.entries()) {
      const path = join(this.root, pathOf(number));
      if (number % DIRECTORY_FILES === 0) mkdirSync(dirname(path), { recursive: true });
      if (size >= 4) noise.writeUInt32LE(number);
      writeFileSync(path, noise.subarray(0, size));
    }
  }

  /**
   * Makes a list of the first files, as {@link shuffled} has them.
   * @returns its path
   */
  list(count = this.#sizes.length): string {
    const list = join(this.folder, `${count}.paths`);
    writeFileSync(list, `${shuffled(count).map(pathOf).join('\n')}\n`);
    return list;
  }

  /** Has the kernel hold the first files in its page cache. */
  readIn(count: number): void {
    for (let number = 0; number < count; number++) readFileSync(join(this.root, pathOf(number)));
  }

  /** Has the kernel hold none of the files in its page cache. */
  dropOut(): void {
    for (const number of this.#sizes.keys()) {
      const fd = openSync(join(this.root, pathOf(number)), 'r');
      try {
        fdatasyncSync(fd);
        dropPageCache(fd);
      } finally {
        closeSync(fd);
      }
    }
  }

  /** By several threads: a disk that is told at once what is free (`discard`) takes a millisecond a file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
    this.#forget();
  }
}

/** The numbers of the first files in an order that has nothing to do with where they lie. */
export function shuffled(count: number): number[] {
  const numbers = Array.from({ length: count }, (_, number) => number);
  const random = new SeededRandom(SEEDS.order);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random.uniform() * (last + 1));
    [numbers[last], numbers[other]] = [numbers[other] as number, numbers[last] as number];
  }
  return numbers;
}

/** The path of a file of a {@link Site}. */
export function pathOf(number: number): string {
  const directory = Math.floor(number / DIRECTORY_FILES);
  return `${directory % 2 === 0 ? '' : `/section-${directory % 8}`}/page-${directory}/${number}.bin`;
}

function placeOnDisk(): string {
  const { BENCH_DIR: wanted } = process.env;
  const places = wanted === undefined ? [tmpdir(), '/var/tmp'] : [wanted];
  const place = places.find(each => statfsSync(each).type !== TMPFS_MAGIC);
  if (place === undefined)
    throw new Error(`Cannot put files on a disk: ${places} are in memory; set BENCH_DIR`);
  return place;
}
