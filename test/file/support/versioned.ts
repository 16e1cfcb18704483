import {
  closeSync,
  ftruncateSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { crc32 } from 'node:zlib';

/**
 * Files that tell whether they are whole: a header with version, length and checksum of what follows it, and
 * padding. Within an odd version the padding grows, by appending; within an even one it shrinks, by
 * truncating. So any two contents of a file are in an order.
 */
const HEADER = 64;

/** Where in the order of its file a content stands. */
export interface Place {
  readonly version: number;
  readonly size: number;
}

function makeContent(version: number, length: number, padding: number): Buffer {
  const body = Buffer.alloc(length, `${version} `);
  const checksum = checksumOf(body);
  const header = Buffer.alloc(HEADER, ' ');
  header.write(`${version} ${length} ${checksum}\n`);
  return Buffer.concat([header, body, paddingOf(version, HEADER + length, padding)]);
}

/**
 * Reads a content. @throws when it is no whole version; undefined for an empty file, which is being written
 * anew
 */
export function placeOf(content: Buffer): Place | undefined {
  if (content.length === 0) return undefined;
  const [version, length, checksum] =
    content.toString('latin1', 0, HEADER).split('\n', 1)[0]?.split(' ').map(Number) ?? [];
  if (version === undefined || length === undefined) throw new Error('it has no header');
  const body = content.subarray(HEADER, HEADER + length);
  if (body.length !== length)
    throw new Error(`it has ${body.length} bytes, ${length} belong to version ${version}`);
  if (checksumOf(body) !== checksum) throw new Error(`its checksum is not that of version ${version}`);
  const padding = content.subarray(HEADER + length);
  if (!padding.equals(paddingOf(version, HEADER + length, padding.length)))
    throw new Error(`its padding is not that of version ${version}`);
  return { version, size: content.length };
}

/** Whether a content may be read after another one. */
export function mayFollow(next: Place, last: Place): boolean {
  if (next.version !== last.version) return next.version > last.version;
  return next.version % 2 === 1 ? next.size >= last.size : next.size <= last.size;
}

function checksumOf(body: Buffer): number {
  return crc32 === undefined ? body.reduce((sum, byte) => (sum * 31 + byte) % 1_000_000_007, 7) : crc32(body);
}

function paddingOf(version: number, offset: number, length: number): Buffer {
  const padding = Buffer.alloc(length);
  for (let i = 0; i < length; i++) padding[i] = version + offset + i;
  return padding;
}

/**
 * Changes files at random, one step at a time, always to a content that is whole as soon as the step is done.
 */
export class RandomWriter {
  readonly #paths: readonly string[];
  readonly #random: () => number;
  readonly #versions = new Map<string, { version: number; length: number }>();

  /** @param random gives numbers from 0 up to 1 */
  constructor(paths: readonly string[], random: () => number) {
    this.#paths = paths;
    this.#random = random;
    for (const path of paths) this.#replace(path);
  }

  step(): void {
    const path = this.#paths[this.#below(this.#paths.length)] as string;
    const present = this.#versions.get(path);
    const choice = this.#below(10);
    if (present === undefined || choice < 4) this.#replace(path);
    else if (choice < 5) this.#rewrite(path);
    else if (choice < 6) this.#remove(path);
    else if (present.version % 2 === 1) this.#append(path, present.version);
    else this.#truncate(path, HEADER + present.length);
  }

  #replace(path: string): void {
    writeFileSync(`${path}.new`, this.#next(path, 60_000));
    renameSync(`${path}.new`, path);
  }

  /** In place, and small, so that it is written by one call. */
  #rewrite(path: string): void {
    writeFileSync(path, this.#next(path, 1000));
  }

  #append(path: string, version: number): void {
    const { size } = statSync(path);
    const fd = openSync(path, 'a');
    writeSync(fd, paddingOf(version, size, 1 + this.#below(1000)));
    closeSync(fd);
  }

  #truncate(path: string, least: number): void {
    const { size } = statSync(path);
    const fd = openSync(path, 'r+');
    ftruncateSync(fd, least + this.#below(size - least + 1));
    closeSync(fd);
  }

  #remove(path: string): void {
    unlinkSync(path);
    this.#replace(path);
  }

  #next(path: string, most: number): Buffer {
    const version = (this.#versions.get(path)?.version ?? 0) + 1;
    const length = this.#below(most);
    this.#versions.set(path, { version, length });
    return makeContent(version, length, this.#below(2000));
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }
}
