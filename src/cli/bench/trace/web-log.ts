import type { TraceLine } from './trace-line.ts';

/** Common and combined log format: who, when, what; then the status and how many bytes were sent. */
const LINE = /^[^["]*\[[^\]]*\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)(?:\s|$)/;
/** Versions before 1.0 stated none. */
const REQUEST = /^GET (?:https?:\/\/[^/\s]+)?(\/[^\s?#]*)\S*(?: HTTP\/[\d.]+)?$/;
const WHOLE = '200';
const PARTIAL = '206';
const NOT_MODIFIED = '304';

/** Whether a line has the form of a web server's log. */
export function isWebLog(line: string): boolean {
  return LINE.test(line);
}

/**
 * The file that a line of a log says was read: a GET of it that was answered with it, with a part of it, or
 * with the word that it is the same. The query is no part of its name.
 * @returns undefined for lines that tell of something else
 */
export function parseWebLog(line: string): TraceLine | undefined {
  const [, request = '', status, bytes] = LINE.exec(line) ?? [];
  const name = REQUEST.exec(request)?.[1];
  if (name === undefined) return undefined;
  if (status === NOT_MODIFIED) return { name, size: undefined };
  if (status !== WHOLE && status !== PARTIAL) return undefined;
  const size = bytes === '-' ? 0 : Number(bytes);
  return Number.isSafeInteger(size) ? { name, size } : undefined;
}
