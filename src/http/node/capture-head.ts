import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';

/**
 * Has a response of node:http make its head, and keeps that from being written: who sends the body sends both
 * in one system call, which wakes the reader once.
 * @param socket the response's
 * @returns the head; undefined when it was written, now or before
 */
export function holdHead(response: ServerResponse, socket: Socket): Buffer | undefined {
  // Somebody else wants to see what is written, or has written something.
  if (socket.write !== Socket.prototype.write || socket.writableLength > 0) {
    response.flushHeaders();
    return undefined;
  }
  const pieces: Buffer[] = [];
  socket.write = (data: string | Uint8Array): boolean => {
    // Node gives no encoding with it, and means one byte a character.
    pieces.push(typeof data === 'string' ? Buffer.from(data, 'latin1') : Buffer.from(data));
    return true;
  };
  try {
    response.flushHeaders();
  } finally {
    delete (socket as Partial<Socket>).write;
  }
  const head = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
  return head?.length === 0 ? undefined : head;
}
