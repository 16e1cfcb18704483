import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Pipelines } from './pipelines.ts';

/** What node:http's parser finds that has a status of its own. */
const STATUSES = new Map<unknown, number>([
  ['HPE_HEADER_OVERFLOW', 431],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
]);

/** Connections whose requests are read no further. */
const failed = new WeakSet<Socket>();

/**
 * Answers bytes that are no request, or not whole in time, and ends the connection: behind the answers to the
 * requests before them, which were right.
 */
export async function answerClientError(error: Error, socket: Socket, pipelines: Pipelines): Promise<void> {
  if (failed.has(socket)) return;
  failed.add(socket);
  const { code } = error as NodeJS.ErrnoException;
  const isOfRequest = STATUSES.has(code) || code?.startsWith('HPE_') === true;
  if (!isOfRequest || !socket.writable) {
    socket.destroy(error);
    return;
  }
  const broken = pipelines.incomplete(socket)?.response;
  if (broken?.headersSent === true) {
    socket.destroy(error);
    return;
  }
  if (broken === undefined) await pipelines.allAnswered(socket);
  const status = STATUSES.get(code) ?? 400;
  if (socket.writable)
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`);
  socket.destroySoon();
}
