import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { ArgumentError, checkInteger, describe } from '../../base/error.ts';
import type { AnswerListener, AnswerReport } from '../message/answer-report.ts';
import { clientAddress } from '../proxy/client-address.ts';
import { TrustedProxies, type TrustForwarded } from '../proxy/trusted-proxies.ts';
import { type AccessFormat, type AccessRecord, accessRecord, formatters } from './access-format.ts';

export interface AccessLogOptions {
  /** The NCSA combined format, or an object of JSON a line. Default combined. */
  readonly format?: AccessFormat;
  /**
   * The path of a file, which is appended to, or a stream. (Node writes to process.stdout and waits, if that
   * is a file or a pipe: give '/dev/stdout' to be sure that nothing ever does.)
   */
  readonly output: string | Writable;
  /**
   * The proxies in front that are believed who a request came from, as createProxy() has it: the log shows
   * that client then. Default: none, it shows who has connected.
   */
  readonly trustForwarded?: TrustForwarded | undefined;
  /** Bytes that may wait for the output; entries beyond are dropped, and counted. Default 1 MiB. */
  readonly limit?: number;
}

/** How long an entry waits for others to be written with. */
const DELAY_MS = 200;
/** What is written at once, without waiting. */
const BATCH_CHARACTERS = 64 * 1024;
const LIMIT_BYTES = 1024 ** 2;

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
 * and when the output does not keep up, or fails, they are dropped rather than kept.
 */
export class AccessLog implements AnswerListener {
  readonly wantsDuration = true;
  readonly #format: (record: AccessRecord) => string;
  readonly #path: string | undefined;
  readonly #limit: number;
  readonly #trusted: TrustedProxies;
  #output: Writable;
  #pending = '';
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #dropped = 0;

  constructor({ format = 'combined', output, limit = LIMIT_BYTES, trustForwarded }: AccessLogOptions) {
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
    this.#path = typeof output === 'string' ? output : undefined;
    this.#output = typeof output === 'string' ? open(output) : output;
    this.#output.on('error', this.#onError);
  }

  /** Entries that were dropped. */
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
    const waiting = this.#output.writableLength + this.#pending.length;
    if (this.#closed || !this.#output.writable || waiting >= this.#limit) {
      this.#dropped += 1;
      return;
    }
    this.#pending += this.#format(record);
    if (this.#pending.length >= BATCH_CHARACTERS) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), DELAY_MS).unref();
  }

  /** Opens the file anew: for after it was renamed. Does nothing for a stream. */
  reopen(): void {
    if (this.#path === undefined || this.#closed) return;
    this.#flush();
    this.#output.end();
    this.#output = open(this.#path);
    this.#output.on('error', this.#onError);
  }

  /**
   * Writes what waits. A file is closed, a stream stays open. Resolves when the output has taken all, or
   * failed.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    const output = this.#output;
    if (output.destroyed) return;
    await new Promise<void>(resolve => {
      output.once('close', resolve);
      if (this.#path === undefined) output.write('', () => resolve());
      else output.end(() => resolve());
    });
    if (this.#path === undefined) output.off('error', this.#onError);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending !== '' && this.#output.writable) this.#output.write(this.#pending);
    this.#pending = '';
  }

  /** A log that cannot be written stops nobody. */
  readonly #onError = (): void => {};
}

function open(path: string): Writable {
  return createWriteStream(path, { flags: 'a' });
}
