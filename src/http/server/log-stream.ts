import type { Writable } from 'node:stream';
import { ignore } from '../../base/ignore.ts';
import type { LogObserver, LogOutput } from './log-output.ts';

/** Lines to a stream, which stays the caller's. One that has failed gets nothing any more. */
export class LogStream implements LogOutput {
  readonly #stream: Writable;
  readonly #observer: LogObserver;

  constructor(stream: Writable, observer: LogObserver) {
    this.#stream = stream;
    this.#observer = observer;
    // A log that cannot be written stops nobody.
    stream.on('error', ignore);
  }

  get waiting(): number {
    return this.#stream.writableLength;
  }

  write(text: string, entries: number): void {
    if (!this.#stream.writable) {
      this.#observer.failed(entries, this.#stream.errored ?? new Error('the stream has ended'));
      return;
    }
    this.#stream.write(text, error => {
      if (error) this.#observer.failed(entries, error);
      else this.#observer.written();
    });
  }

  reopen(): void {}

  async close(): Promise<void> {
    const stream = this.#stream;
    if (!stream.destroyed) {
      await new Promise<void>(resolve => {
        stream.once('close', resolve);
        stream.write('', () => resolve());
      });
    }
    stream.off('error', ignore);
  }
}
