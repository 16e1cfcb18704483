import { type FileHandle, open } from 'node:fs/promises';
import { ignore } from '../../base/ignore.ts';
import type { LogObserver, LogOutput } from './log-output.ts';

/** Lines that are written together. */
interface Batch {
  readonly bytes: Buffer;
  readonly entries: number;
}

/** The file is to be opened anew. */
const REOPEN = Symbol('reopen');

/**
 * Lines to a file, which they are appended to, in their order. What fails is tried again with the lines that
 * come next: a disk may have room again, a folder may be back. A file that cannot be opened anew is no reason
 * to lose lines: they go on to the one that is open.
 */
export class LogFile implements LogOutput {
  readonly #path: string;
  readonly #observer: LogObserver;
  readonly #queue: (Batch | typeof REOPEN)[] = [];
  #handle: FileHandle | undefined;
  /** Whether another file is to be opened than the one that is, if one is. */
  #isStale = true;
  #waiting = 0;
  /** While something is done. */
  #working: Promise<void> | undefined;
  /** Whether the last write ended inside a line. */
  #isTorn = false;

  /** Opens the file, and makes it if it is not there. */
  constructor(path: string, observer: LogObserver) {
    this.#path = path;
    this.#observer = observer;
    this.reopen();
  }

  get waiting(): number {
    return this.#waiting;
  }

  write(text: string, entries: number): void {
    const bytes = Buffer.from(text);
    this.#waiting += bytes.length;
    this.#add({ bytes, entries });
  }

  reopen(): void {
    this.#add(REOPEN);
  }

  async close(): Promise<void> {
    await this.#working;
    await this.#handle?.close().catch(ignore);
    this.#handle = undefined;
  }

  #add(item: Batch | typeof REOPEN): void {
    this.#queue.push(item);
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  async #work(): Promise<void> {
    for (let item = this.#queue.shift(); item !== undefined; item = this.#queue.shift()) {
      if (item === REOPEN) {
        this.#isStale = true;
        await this.#open(0);
      } else await this.#append(item);
    }
  }

  /** @param entries are lost if there is no file at all */
  async #open(entries: number): Promise<void> {
    try {
      const handle = await open(this.#path, 'a');
      await this.#handle?.close().catch(ignore);
      this.#handle = handle;
      this.#isStale = false;
      this.#isTorn = false;
    } catch (error) {
      if (this.#handle === undefined) this.#observer.failed(entries, error as Error);
      else {
        const { message } = error as Error;
        this.#observer.failed(0, new Error(`${message}; lines go to the file that was open before`));
      }
    }
  }

  async #append({ bytes, entries }: Batch): Promise<void> {
    if (this.#isStale) await this.#open(entries);
    if (this.#handle !== undefined) await this.#write(this.#handle, bytes, entries);
    this.#waiting -= bytes.length;
  }

  async #write(handle: FileHandle, bytes: Buffer, entries: number): Promise<void> {
    let done = 0;
    try {
      if (this.#isTorn) await handle.write('\n');
      this.#isTorn = false;
      while (done < bytes.length) done += (await handle.write(bytes, done)).bytesWritten;
      if (!this.#isStale) this.#observer.written();
    } catch (error) {
      this.#isTorn = done > 0 && bytes[done - 1] !== NEW_LINE_CODE;
      this.#observer.failed(entries - linesIn(bytes.subarray(0, done)), error as Error);
    }
  }
}

const NEW_LINE_CODE = 0x0a;

function linesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEW_LINE_CODE); at !== -1; at = bytes.indexOf(NEW_LINE_CODE, at + 1))
    count += 1;
  return count;
}
