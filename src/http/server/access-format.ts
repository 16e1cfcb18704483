import type { AnswerReport } from '../message/answer-report.ts';

/** What a log says of one request and its answer. */
export interface AccessRecord {
  /** When it came: milliseconds since the epoch. */
  readonly time: number;
  /** Of the client. */
  readonly remoteAddress: string | undefined;
  /** Of the request. */
  readonly method: string;
  /** As it was asked for: path and query. */
  readonly target: string;
  /** As '1.1'. */
  readonly httpVersion: string;
  /** Of the answer. */
  readonly status: number;
  /** Bytes of the body that were sent. */
  readonly bytes: number;
  /** The field Referer. */
  readonly referer?: string | undefined;
  /** The field User-Agent. */
  readonly userAgent?: string | undefined;
  /** Milliseconds from its coming to the end of its answer. */
  readonly duration?: number | undefined;
}

/** What a log says of a request that was answered just now. */
export function accessRecord(report: AnswerReport): AccessRecord {
  const { request, httpVersion, status, bytes, duration, remoteAddress } = report;
  return {
    time: Date.now() - duration,
    httpVersion,
    status,
    bytes,
    remoteAddress,
    method: request.method,
    target: request.target,
    referer: request.header('referer'),
    userAgent: request.header('user-agent'),
    duration: Math.round(duration * 1000) / 1000,
  };
}

/** The NCSA combined format, or an object of JSON a line. */
export type AccessFormat = 'combined' | 'json';

/**
 * An entry as a line, with its end. Nothing that a client sends can begin another line, or leave its quotes.
 */
export const formatters: Readonly<Record<AccessFormat, (record: AccessRecord) => string>> = {
  combined: ({ time, remoteAddress, method, target, httpVersion, status, bytes, referer, userAgent }) =>
    `${remoteAddress ?? '-'} - - [${ncsaTime(time)}] "${quote(method)} ${quote(target)} ` +
    `HTTP/${httpVersion}"` +
    ` ${status} ${bytes === 0 ? '-' : bytes} "${quote(referer ?? '-')}" "${quote(userAgent ?? '-')}"\n`,
  json: ({ time, ...record }) => `${JSON.stringify({ time: new Date(time).toISOString(), ...record })}\n`,
};

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

let lastSecond = -1;
let lastText = '';

/** In UTC. Made once a second. */
function ncsaTime(time: number): string {
  const second = Math.floor(time / 1000);
  if (second !== lastSecond) {
    const [date = '', clock = ''] = new Date(second * 1000).toISOString().split(/[T.]/);
    const [year, month, day] = date.split('-');
    lastText = `${day}/${MONTHS[Number(month) - 1]}/${year}:${clock} +0000`;
    lastSecond = second;
  }
  return lastText;
}

/** As Apache does it: what is not printable ASCII as \xhh. */
function quote(text: string): string {
  if (!/[^\x20-\x7e]|["\\]/.test(text)) return text;
  return text.replace(/[^\x20-\x7e]|["\\]/gu, character =>
    character === '"' || character === '\\'
      ? `\\${character}`
      : [...Buffer.from(character)].map(byte => `\\x${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}
