import type { FileHandle } from 'node:fs/promises';
import zlib from 'node:zlib';
import { hasGrown, readsTheSame } from './append.ts';
import { type FileVersion, sameContent, untilCalm, versionOf } from './file-version.ts';

/** Bytes that are read one behind the other. */
type Pieces = readonly { readonly bytes: Uint8Array }[];

/** A file of no more bytes is looked at as a whole when it grows: about 0.4 ms a MiB. */
const MAX_WHOLE_BYTES = 256 * 1024 ** 2;
/**
 * A file that was not changed for so long is none that is appended to: no digests of its blocks are kept,
 * which cost 0.2 ms a MiB. If it is appended to nevertheless, those who read it then find it stale.
 */
const YOUNG_MS = 3_600_000;
/** One that was changed so lately likely is written to all the time. */
const BUSY_MS = 60_000;
/** More than one, so that they come round although there is one more each time. */
const TURN_SAMPLES = 2;

/**
 * Tells whether a block that was read of a large file is of one version, while others may append to the file.
 * An append is not a rewriting, but both move the file's stamps; so, as soon as these have moved and the file
 * is longer, its bytes decide.
 *
 * - As long as the stamps stand still, each block is right. Its digest is kept.
 * - Once they have moved, all of the version's bytes are digested, twice if somebody writes meanwhile; those
 *   known from before must be as they were. Then there was a moment at which the file had all of them. From
 *   then on a block is right if it has its digest, whatever the stamps say.
 * - Of a file of more than 256 MiB, each new block is read twice instead, and three of those before are read
 *   again: the last one, and the others in turn. What this may not find is a rewriting of a few blocks, in a
 *   file that grows as well.
 *
 * A digest is a CRC-32: it tells of what happens, not of what somebody forges, who may write to the file.
 */
export class Fingerprint {
  readonly #version: FileVersion;
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #block: number;
  /** Of blocks, by where they start. */
  readonly #digests = new Map<number, number>();
  /** Whether the stamps tell of each change since: what was changed a tick ago may change unseen. */
  readonly #trusted: boolean;
  /** How long before it was opened it was changed, in milliseconds. */
  readonly #age: number;
  /** Whether blocks were admitted of which no digest is kept. */
  #forgetful = false;
  #grown = false;
  #whole: Promise<boolean> | undefined;
  /** Where the block starts that was admitted last, and which of all is to be read again next. */
  #last = 0;
  #turn = 0;

  /** @param block bytes of each, but for the last one @param handle which the caller keeps open */
  constructor(path: string, version: FileVersion, handle: FileHandle, block: number) {
    this.#path = path;
    this.#version = version;
    this.#handle = handle;
    this.#block = block;
    this.#trusted = untilCalm(version) === 0;
    this.#age = Date.now() - Number(version.mtimeNs / 1_000_000n);
  }

  /**
   * Whether a block that was just read is of the version, and all that were admitted before still are.
   * @param start where it starts: a multiple of the block's bytes
   * @throws as the disk said
   */
  async admits(start: number, pieces: Pieces): Promise<boolean> {
    if (!this.#grown) {
      const now = await this.#look();
      if (!this.#grown) {
        if (this.#trusted && sameContent(now, this.#version)) return this.#note(start, pieces);
        if (!sameContent(now, this.#version) && !hasGrown(this.#version, now)) return false;
        this.#grown = true;
      }
    }
    if (this.#forgetful) return false;
    if (this.#version.size > MAX_WHOLE_BYTES) return this.#admitsBySamples(start, pieces);
    this.#whole ??= this.#digestWhole();
    try {
      return (await this.#whole) && this.#digests.get(start) === digestOf(pieces);
    } catch (error) {
      // What the disk could not do now it may do the next time.
      this.#whole = undefined;
      throw error;
    }
  }

  /** Whether the file was appended to since. */
  get isGrown(): boolean {
    return this.#grown;
  }

  /** Whether it is likely to be appended to: then it is read again soon, and best stays in the page cache. */
  get mayGrow(): boolean {
    return this.#grown || this.#age < BUSY_MS;
  }

  /** A block that was read while the stamps stood still. */
  #note(start: number, pieces: Pieces): true {
    if (this.#age < YOUNG_MS) this.#digests.set(start, digestOf(pieces));
    else this.#forgetful = true;
    this.#last = start;
    return true;
  }

  /** @returns false when there was no moment at which the file had all bytes of the version */
  async #digestWhole(): Promise<boolean> {
    const before = await this.#look();
    if (before.size < this.#version.size || !(await this.#digestBlocks())) return false;
    const after = await this.#look();
    if (sameContent(before, after) && untilCalm(before) === 0) return true;
    // Who writes and does not append shows here, or in the bytes.
    if (!sameContent(before, after) && !hasGrown(before, after)) return false;
    return this.#digestBlocks();
  }

  /** Reads all blocks. @returns whether those have their digests of which there is one */
  async #digestBlocks(): Promise<boolean> {
    const scratch = Buffer.allocUnsafeSlow(Math.min(this.#block, this.#version.size));
    for (let start = 0; start < this.#version.size; start += this.#block) {
      const digest = await this.#digestAt(start, scratch);
      if (digest === undefined || digest !== (this.#digests.get(start) ?? digest)) return false;
      this.#digests.set(start, digest);
    }
    return true;
  }

  /** @returns undefined when the file ends before the block does */
  async #digestAt(start: number, scratch: Buffer): Promise<number | undefined> {
    const length = Math.min(this.#block, this.#version.size - start);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(scratch, filled, length - filled, start + filled);
      if (bytesRead === 0) return undefined;
      filled += bytesRead;
    }
    return zlib.crc32(scratch.subarray(0, length));
  }

  async #admitsBySamples(start: number, pieces: Pieces): Promise<boolean> {
    if (!(await readsTheSame(this.#handle, pieces, start))) return false;
    const digest = digestOf(pieces);
    if (digest !== (this.#digests.get(start) ?? digest)) return false;
    const scratch = Buffer.allocUnsafeSlow(this.#block);
    for (const sample of this.#samples()) {
      if ((await this.#digestAt(sample, scratch)) !== this.#digests.get(sample)) return false;
    }
    this.#digests.set(start, digest);
    this.#last = start;
    return (await this.#look()).size >= this.#version.size;
  }

  /** Where some of the blocks start that were admitted before: the last one, and others in turn. */
  #samples(): number[] {
    const known = [...this.#digests.keys()];
    if (known.length === 0) return [];
    const samples = [this.#last];
    for (let i = 0; i < TURN_SAMPLES; i++) {
      this.#turn = (this.#turn + 1) % known.length;
      samples.push(known[this.#turn] as number);
    }
    return samples;
  }

  async #look(): Promise<FileVersion> {
    return versionOf(await this.#handle.stat({ bigint: true }), this.#path);
  }
}

function digestOf(pieces: Pieces): number {
  return pieces.reduce((digest, { bytes }) => zlib.crc32(bytes, digest), 0);
}
