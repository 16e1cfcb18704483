import type { ReadStream, WriteStream } from 'node:tty';
import type { ReportLine } from './top-report.ts';

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const BOLD = '\x1b[1m';
const PLAIN = '\x1b[0m';
const CTRL_C = '\x03';

/** A terminal's alternate screen, which is left as it was found. */
export class TopScreen implements Disposable {
  /** Resolves when the user wants to end it. */
  readonly ended: Promise<void>;
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #resized: () => void;
  #lines: readonly ReportLine[] = [];
  #end: () => void = () => {};

  /** @param resized told when there is another number of columns */
  constructor(input: ReadStream, output: WriteStream, resized: () => void) {
    this.#input = input;
    this.#output = output;
    this.#resized = resized;
    this.ended = new Promise(resolve => {
      this.#end = resolve;
    });
    input.setRawMode?.(true);
    input.on('data', this.#keys).resume();
    output.on('resize', this.#resize);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, this.#end);
    output.write(ENTER);
  }

  get columns(): number {
    return this.#output.columns || 80;
  }

  /** Shows as many lines as there is room for. */
  show(lines: readonly ReportLine[]): void {
    this.#lines = lines;
    const rows = Math.max(1, (this.#output.rows || 24) - 1);
    const shown = lines
      .slice(0, rows)
      .map(({ text, isHead }) => `${isHead ? BOLD + text + PLAIN : text}${CLEAR_LINE}`);
    this.#output.write(`${HOME}${shown.join('\r\n')}${CLEAR_BELOW}\r\nq: quit${CLEAR_LINE}`);
  }

  [Symbol.dispose](): void {
    this.#input.off('data', this.#keys).pause();
    this.#input.setRawMode?.(false);
    this.#output.off('resize', this.#resize);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, this.#end);
    this.#output.write(LEAVE);
  }

  readonly #keys = (data: Buffer): void => {
    const text = data.toString();
    if (text.includes('q') || text.includes('Q') || text.includes(CTRL_C)) this.#end();
  };

  readonly #resize = (): void => {
    this.#resized();
    this.show(this.#lines);
  };
}
