import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';

const STATUSES = new Map<unknown, number>([
  ['ENOENT', 404],
  ['ENOTDIR', 404],
  ['ELOOP', 404],
  ['ENAMETOOLONG', 404],
  ['EISDIR', 404],
  ['EACCES', 403],
  ['EPERM', 403],
  ['EMFILE', 503],
  ['ENFILE', 503],
  ['ENOMEM', 503],
  ['ERR_IOLITE_LIMIT', 503],
  ['ERR_IOLITE_CLOSED', 503],
  ['ERR_IOLITE_PEER', 503],
]);

/** The status that tells a client of an error, by the error's code: 500 for those unknown. */
export function statusOf(error: unknown): number {
  const { code } = (error ?? {}) as { code?: unknown };
  return STATUSES.get(code) ?? 500;
}

/** Answers with an error status and its name, and nothing of what went wrong inside. */
export function answerStatus(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = `${STATUS_CODES[status] ?? 'Error'}\n`;
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(status === 503 ? { 'Retry-After': '1' } : {}),
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}
