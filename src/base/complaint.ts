/** How processes say on stderr what is wrong: a line of text, or an object of JSON a line. */
export type ComplaintFormat = 'text' | 'json';

/**
 * What is wrong, as a line with its end. (Text may have several, where a stack goes along.)
 * @param error whose stack goes along
 */
export function complaintLine(format: ComplaintFormat, message: string, error?: unknown): string {
  const stack = error instanceof Error ? error.stack : undefined;
  if (format === 'text') return `iolite: ${message}${error === undefined ? '' : `: ${stack ?? error}`}\n`;
  const what = error === undefined ? '' : `: ${error instanceof Error ? error.message : error}`;
  const time = new Date().toISOString();
  return `${JSON.stringify({ time, level: 'error', message: `${message}${what}`, stack })}\n`;
}
