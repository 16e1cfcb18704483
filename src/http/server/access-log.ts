import type { Writable } from 'node:stream';
import { ArgumentError, checkInteger, describe } from '../../base/error.ts';
import { eventChannel } from '../../observe/events.ts';
import type { AnswerListener, AnswerReport } from '../message/answer-report.ts';
import { clientAddress } from '../proxy/client-address.ts';
import { TrustedProxies, type TrustForwarded } from '../proxy/trusted-proxies.ts';
import { type AccessFormat, type AccessRecord, accessRecord, formatters } from './access-format.ts';
import { LogFile } from './log-file.ts';
import type { LogObserver, LogOutput } from './log-output.ts';
import { LogStream } from './log-stream.ts';

/** Where a log goes, and in which form. */
export interface AccessLogOptions {
  /** The NCSA combined format, or an object of JSON a line. Default combined. */
  readonly format?: AccessFormat;
  /**
   * The path of a file, which is appended to, or a stream. (Node writes to process.stdout and waits, if that
   * is a file: give '/dev/stdout' to be sure that nothing ever does.)
   */
  readonly output: string | Writable;
  /**
   * The proxies in front that are believed who a request came from, as createProxy() has it: the log shows
   * that client then. Default: none, it shows who has connected.
   */
  readonly trustForwarded?: TrustForwarded | undefined;
  /** Bytes that may wait for the output; entries beyond are dropped, and counted. Default 1 MiB. */
  readonly limit?: number;
  /**
   * Called with what is wrong when entries cannot be written, once until they can be again: then with
   * undefined. That the output does not keep up is told once. Default: nobody is told, and `dropped` counts.
   */
  readonly onTrouble?: ((trouble: Error | undefined) => void) | undefined;
}

/** How long an entry waits for others to be written with. */
const DELAY_MS = 200;
/** What is written at once, without waiting. */
const BATCH_CHARACTERS = 64 * 1024;
const LIMIT_BYTES = 1024 ** 2;

const troubles = eventChannel('iolite:log:trouble');

/**
 * Opens an access log.
 * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { PassThrough } from 'node:stream';
 * import { createAccessLog } from 'iolite/http';
 *
 * const output = new PassThrough();
 * const log = createAccessLog({ format: 'json', output });
 * const request = { remoteAddress: '::1', method: 'GET', target: '/', httpVersion: '1.1' };
 * log.write({ ...request, time: Date.now(), status: 200, bytes: 13 });
 * await log.close();
 * assert.equal(JSON.parse(String(output.read())).status, 200);
 * ```
 */
export function createAccessLog(options: AccessLogOptions): AccessLog {
  return new AccessLog(options);
}

/**
 * A log of what was answered. Writing an entry never waits and never fails: entries are written in batches,
 * and when the output does not keep up, or fails, they are dropped rather than kept. A file that fails is
 * tried again with each batch; one that cannot be opened anew leaves the log with the one that is open.
 */
export class AccessLog implements AnswerListener {
  readonly wantsDuration = true;
  readonly #format: (record: AccessRecord) => string;
  readonly #limit: number;
  readonly #trusted: TrustedProxies;
  readonly #output: LogOutput;
  readonly #onTrouble: (trouble: Error | undefined) => void;
  #pending = '';
  #entries = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #dropped = 0;
  /** Whether it was told that entries cannot be written, and that the output does not keep up. */
  #isTroubled = false;
  #isSlow = false;

  constructor(options: AccessLogOptions) {
    const { format = 'combined', output, limit = LIMIT_BYTES, trustForwarded, onTrouble } = options;
    if (!Object.hasOwn(formatters, format)) {
      throw new ArgumentError(
        `Cannot log accesses: format 'combined' or 'json' is wanted, ${describe(format)} was given`,
      );
    }
    if (typeof output !== 'string' && typeof (output as Writable | undefined)?.write !== 'function') {
      throw new ArgumentError(
        `Cannot log accesses: a path or a stream is wanted, ${describe(output)} was given`,
      );
    }
    checkInteger(limit, 'limit', 0, Number.MAX_SAFE_INTEGER);
    this.#format = formatters[format];
    this.#limit = limit;
    this.#trusted = new TrustedProxies(trustForwarded);
    this.#onTrouble = trouble => {
      if (troubles.hasSubscribers) troubles.publish({ error: trouble, dropped: this.#dropped });
      onTrouble?.(trouble);
    };
    const observer: LogObserver = {
      written: () => this.#tell(undefined),
      failed: (entries, error) => this.#failed(entries, error),
    };
    this.#output =
      typeof output === 'string' ? new LogFile(output, observer) : new LogStream(output, observer);
  }

  /** Entries that were dropped: those that the output did not take. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Adds an entry for an answer. */
  answered(report: AnswerReport): void {
    const { remoteAddress } = report;
    const record = accessRecord(report);
    if (!this.#trusted.trusts(remoteAddress)) this.write(record);
    else
      this.write({ ...record, remoteAddress: clientAddress(report.request, remoteAddress, this.#trusted) });
  }

  /** Adds an entry. Takes a few microseconds. */
  write(record: AccessRecord): void {
    if (this.#closed) this.#dropped += 1;
    else if (this.#output.waiting + this.#pending.length >= this.#limit) this.#refuse();
    else this.#add(this.#format(record));
  }

  /** Opens the file anew: for after it was renamed. Does nothing for a stream. */
  reopen(): void {
    if (this.#closed) return;
    this.#flush();
    this.#output.reopen();
  }

  /**
   * Writes what waits. A file is closed, a stream stays open. Resolves when the output has taken all, or
   * failed.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    await this.#output.close();
  }

  #add(line: string): void {
    this.#pending += line;
    this.#entries += 1;
    if (this.#pending.length >= BATCH_CHARACTERS) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), DELAY_MS).unref();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending !== '') this.#output.write(this.#pending, this.#entries);
    this.#pending = '';
    this.#entries = 0;
  }

  /** What is slow now may be slow again: that is told once for all. */
  #refuse(): void {
    this.#dropped += 1;
    if (!this.#isSlow && !this.#isTroubled) {
      this.#onTrouble(new Error(`it does not keep up, more than ${this.#limit} bytes wait`));
    }
    this.#isSlow = true;
  }

  /** A log that cannot be written stops nobody. */
  #failed(entries: number, error: Error): void {
    this.#dropped += entries;
    this.#tell(error);
  }

  /** Once for the first of the same kind. */
  #tell(trouble: Error | undefined): void {
    if (this.#isTroubled === (trouble !== undefined)) return;
    this.#isTroubled = trouble !== undefined;
    this.#onTrouble(trouble);
  }
}
