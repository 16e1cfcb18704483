import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import { openFile } from '../../src/file/open/open-file.ts';
import { Floors } from '../floors.ts';
import { LEAST_RECORD_BYTES, makeRecord } from '../payload.ts';
import { diskOf, floorsOf, savedPlace } from '../stage.ts';
import { isExpected } from './expected.ts';
import { type ReaderHost, stampOf } from './file-reads.ts';

const LONGEST_BYTES = 200_000;

/**
 * Saves a file of its own over and over, on a disk that may be full. When a version is saved, the file's
 * floor is raised: whatever fails or dies then, the file is one whole version, and none that is older.
 */
export class FileSaves {
  readonly #host: ReaderHost;
  readonly #floors: Floors;
  readonly #pool = createPool({ name: 'saves' });
  readonly #path: string;
  readonly #place: number;

  /** @param number which of the readers it is */
  constructor(host: ReaderHost, number: number) {
    this.#host = host;
    this.#floors = new Floors(floorsOf(host.plan));
    // In a directory of its own, as what it replaces may leave something beside it when it is killed.
    mkdirSync(join(diskOf(host.plan), `${number}`), { recursive: true });
    this.#path = join(diskOf(host.plan), `${number}`, 'saved.bin');
    this.#place = savedPlace(number);
  }

  /** Reads it, and saves another version. */
  async act(): Promise<void> {
    const { line } = this.#host;
    try {
      await this.#save();
      line.tally.add('requests:file saved');
    } catch (error) {
      if (isExpected(error)) line.tally.add('lost');
      else line.trouble(error);
    }
  }

  /** The same, now that nothing fails. @throws what does */
  probe(): Promise<void> {
    return this.#save();
  }

  close(): void {
    this.#pool.close();
    this.#floors[Symbol.dispose]();
  }

  async #save(): Promise<void> {
    const before = await this.#version();
    if (before === undefined) return;
    const version = before + 1;
    const length = this.#host.draw.size(LEAST_RECORD_BYTES, LONGEST_BYTES);
    const { body } = makeRecord(this.#pool, length, { source: this.#place, version, sequence: version });
    const file = await openFile(this.#path, 'w', { pool: this.#pool }).catch(error => {
      body.release();
      throw error;
    });
    try {
      await file.replace(body);
      await file.sync();
      this.#floors.raise(this.#place, version);
    } finally {
      body.release();
      await file.close();
    }
  }

  /** Which one is on disk. Undefined, and said, where it is none that may be. */
  async #version(): Promise<number | undefined> {
    const { line, holder } = this.#host;
    const floor = this.#floors.of(this.#place);
    let body: Aggregate;
    try {
      await using file = await openFile(this.#path, 'r', { pool: this.#pool });
      body = await file.read(0, file.size);
    } catch (error) {
      // Never saved.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && floor === 0) return 0;
      if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        line.wrong(`the file saved ${floor} times is gone`);
      throw error;
    }
    const stamp = body.length < LEAST_RECORD_BYTES ? undefined : stampOf(body);
    if (stamp?.source === this.#place && stamp.version >= floor) {
      holder.take(body, [stamp]);
      return stamp.version;
    }
    line.wrong(`the file saved ${floor} times has ${body.length} bytes, version ${stamp?.version}`);
    body.release();
    return undefined;
  }
}
