import { Aggregate } from '../../aggregate/aggregate.ts';
import type { Content } from '../../aggregate/byte-sequence.ts';
import { CHECKED, invariant } from '../../base/invariant.ts';
import type { ChunkPool } from '../../memory/chunk-pool.ts';

/** A part of a file's content: in memory, on disk under the same offsets, or zeros that nobody wrote. */
export type Part =
  | { readonly kind: 'memory'; readonly start: number; readonly end: number; readonly bytes: Aggregate }
  | { readonly kind: 'disk' | 'zeros'; readonly start: number; readonly end: number };

/** What a file holds at one moment. */
export interface FrozenContent {
  readonly size: number;
  /** In order, without gaps. */
  readonly parts: readonly Part[];
  /** Tells what was written before from what is written later. */
  readonly epoch: number;
}

/** Bytes in memory at their place in the file. */
interface Run {
  readonly start: number;
  readonly bytes: Aggregate;
  /** When they were written; 0 for bytes that were read from disk. */
  readonly epoch: number;
  /** Of whoever wrote or read them: where what is appended to them is copied to. */
  readonly pool: ChunkPool;
}

/**
 * The content of an open file: what is on disk, overlaid with what is in memory, because it was written or
 * because it was read. To write puts slices in, and cuts those that are covered: no byte that is there is
 * copied, and whoever read it before keeps it. Each user has a pool: what he writes lies there, and so does
 * what he reads from disk, which those with other pools read anew. So no pool's bytes go whom its ACL does
 * not admit.
 *
 * ```
 * disk    │▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│          the first `diskSize` bytes of the version on disk
 * runs         │██████│    │███│             │█████│
 * content │▒▒▒▒│██████│▒▒▒▒│███│▒▒▒▒▒│0000000│█████│  `size` bytes
 * ```
 */
export class FileContent {
  /** By offset; none overlap. */
  readonly #runs: Run[] = [];
  #size: number;
  /** Bytes from the start that are those on disk wherever there is no run. */
  #diskSize: number;
  /** Of what is written now. */
  #epoch = 1;
  #changedAt: number;
  #syncedAt = 0;
  /**
   * The least size since the last {@link freeze}: below it, what was frozen is still there unless covered by
   * runs.
   */
  #low = 0;
  #bytesInMemory = 0;

  /** @param diskSize of the version on disk; undefined when there is no file yet, which counts as a change */
  constructor(diskSize: number | undefined) {
    this.#size = this.#diskSize = diskSize ?? 0;
    this.#changedAt = diskSize === undefined ? 1 : 0;
  }

  /** In bytes. */
  get size(): number {
    return this.#size;
  }

  /** Whether there is something that the disk does not have. */
  get changed(): boolean {
    return this.#changedAt > this.#syncedAt;
  }

  /** Bytes held in memory, the zeros left off. */
  get bytesInMemory(): number {
    return this.#bytesInMemory;
  }

  /**
   * Puts content over what is at `offset`; where that lies beyond the end, zeros come between. O(log runs +
   * cuts). @param pool where strings and bytes are copied to
   */
  write(offset: number, content: Content, pool: ChunkPool): void {
    const last = this.#runs.at(-1);
    const isEnd = last?.epoch === this.#epoch && offset === last.start + last.bytes.length;
    const goesOn = isEnd && last.pool === pool;
    const bytes = goesOn ? last.bytes : new Aggregate(undefined, pool);
    const before = bytes.length;
    bytes.append(content);
    const length = bytes.length - before;
    if (length === 0) {
      if (!goesOn) bytes.release();
      return;
    }
    if (goesOn) this.#bytesInMemory += length;
    else this.#put({ start: offset, bytes, epoch: this.#epoch, pool });
    this.#size = Math.max(this.#size, offset + length);
    this.#changedAt = this.#epoch;
  }

  /** Drops what lies beyond `size`, or adds zeros up to it. */
  truncate(size: number): void {
    this.#changedAt = this.#epoch;
    this.#cut(size, Number.POSITIVE_INFINITY);
    this.#size = size;
    this.#diskSize = Math.min(this.#diskSize, size);
    this.#low = Math.min(this.#low, size);
  }

  /**
   * Bytes `start` to `end`, which lie inside, as they are now. The caller releases what is in memory.
   * @param pool of who reads them: what was read from disk into another one counts as on disk. Default: all
   *   in memory
   */
  parts(start: number, end: number, pool?: ChunkPool): Part[] {
    const parts: Part[] = [];
    let at = start;
    for (let i = this.#firstAfter(start); at < end; i++) {
      const run = this.#runs[i];
      const from = Math.min(run?.start ?? end, end);
      this.#addUncovered(parts, at, from);
      if (run === undefined || from === end) break;
      at = Math.max(at, from);
      const to = Math.min(run.start + run.bytes.length, end);
      if (run.epoch === 0 && pool !== undefined && run.pool !== pool) this.#addUncovered(parts, at, to);
      else {
        const bytes = run.bytes.slice(at - run.start, to - run.start);
        parts.push({ kind: 'memory', start: at, end: to, bytes });
      }
      at = to;
    }
    return parts;
  }

  /** Keeps bytes that were read from the disk, where it is still what is there. Shares them. */
  keep(start: number, bytes: Aggregate, pool: ChunkPool): void {
    const end = Math.min(start + bytes.length, this.#diskSize);
    if (start >= end) return;
    const missing = this.parts(start, end);
    for (const part of missing) {
      if (part.kind === 'memory') part.bytes.release();
      else {
        const kept = bytes.slice(part.start - start, part.end - start);
        this.#put({ start: part.start, bytes: kept, epoch: 0, pool });
      }
    }
  }

  /** Lets go of what the disk has too. */
  forgetClean(): void {
    for (const run of this.#runs.splice(0)) {
      if (run.epoch > this.#syncedAt) this.#runs.push(run);
      else this.#drop(run);
    }
  }

  /**
   * All of it, to be brought to disk. What is written from now on is told from it. Release with
   * {@link release}.
   */
  freeze(): FrozenContent {
    if (CHECKED) this.#checkRuns();
    const frozen = { size: this.#size, parts: this.parts(0, this.#size), epoch: this.#epoch };
    this.#epoch += 1;
    this.#low = this.#size;
    return frozen;
  }

  /** What was frozen is the version on disk now. */
  settle({ epoch }: FrozenContent): void {
    this.#syncedAt = epoch;
    this.#diskSize = this.#low;
  }

  /** Another version is on disk, and what was changed is given up. */
  reset(diskSize: number | undefined): void {
    this.clear();
    this.#size = this.#diskSize = diskSize ?? 0;
    this.#low = 0;
    this.#syncedAt = this.#epoch;
    this.#epoch += 1;
    this.#changedAt = diskSize === undefined ? this.#epoch : 0;
  }

  /** Releases what is in memory. */
  clear(): void {
    for (const run of this.#runs.splice(0)) this.#drop(run);
  }

  #addUncovered(parts: Part[], start: number, end: number): void {
    const border = Math.max(start, Math.min(this.#diskSize, end));
    if (start < border) parts.push({ kind: 'disk', start, end: border });
    if (border < end) parts.push({ kind: 'zeros', start: border, end });
  }

  #put(run: Run): void {
    const end = run.start + run.bytes.length;
    const index = this.#cut(run.start, end);
    this.#runs.splice(index, 0, run);
    this.#bytesInMemory += run.bytes.length;
  }

  #checkRuns(): void {
    let [bytes, end] = [0, 0];
    for (const run of this.#runs) {
      invariant(run.start >= end, 'runs follow one another and do not overlap');
      bytes += run.bytes.length;
      end = run.start + run.bytes.length;
    }
    invariant(bytes === this.#bytesInMemory, 'the bytes in memory are those of all runs');
  }

  /** Frees the range of runs. @returns where one that begins at `start` belongs */
  #cut(start: number, end: number): number {
    const first = this.#firstAfter(start);
    let next = first;
    const rests: Run[] = [];
    for (let run = this.#runs[next]; run !== undefined && run.start < end; run = this.#runs[next]) {
      const runEnd = run.start + run.bytes.length;
      if (run.start < start) rests.push({ ...run, bytes: run.bytes.slice(0, start - run.start) });
      if (runEnd > end) rests.push({ ...run, start: end, bytes: run.bytes.slice(end - run.start) });
      this.#drop(run);
      next += 1;
    }
    this.#runs.splice(first, next - first, ...rests);
    for (const { bytes } of rests) this.#bytesInMemory += bytes.length;
    return rests[0] !== undefined && rests[0].start < start ? first + 1 : first;
  }

  #drop({ bytes }: Run): void {
    this.#bytesInMemory -= bytes.length;
    invariant(this.#bytesInMemory >= 0, 'what is dropped was in memory');
    bytes.release();
  }

  /** Index of the first run that ends after an offset. */
  #firstAfter(offset: number): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { start, bytes } = this.#runs[middle] as Run;
      if (start + bytes.length > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Releases what parts hold in memory, and was not released yet. */
export function releaseParts(parts: readonly Part[]): void {
  for (const part of parts) if (part.kind === 'memory') part.bytes[Symbol.dispose]();
}
