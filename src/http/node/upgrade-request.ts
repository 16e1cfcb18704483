import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { tokensOf } from '../message/header-list.ts';

/** Protocols that are HTTP again, or below it: nobody behind is asked for them. */
const OURS = /^(?:h2c?|http\/\d.*|tls\/\d.*)$/;

/**
 * Whether a request is one to go over to another protocol, and not one that would as well be answered
 * without.
 */
export function asksForUpgrade({ method, headers }: IncomingMessage): boolean {
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  return method === 'GET' && !hasBody && tokensOf(headers.upgrade).some(each => !OURS.test(each));
}

/**
 * Puts a request back before what came behind it, as one that asks for no other protocol: a server may ignore
 * that it does (RFC 9110, 7.8), and whoever reads the connection next does.
 * @param head bytes that came behind its head
 */
export function putBack(
  { method, url, httpVersion, rawHeaders }: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    const value = rawHeaders[i + 1] as string;
    const isConnection = /^connection$/i.test(name);
    if (/^(?:upgrade|http2-settings)$/i.test(name)) continue;
    text += `${name}: ${isConnection ? withoutUpgrade(value) : value}\r\n`;
  }
  if (head.length > 0) socket.unshift(head);
  socket.unshift(Buffer.from(`${text}\r\n`, 'latin1'));
}

function withoutUpgrade(connection: string): string {
  const options = tokensOf(connection).filter(each => each !== 'upgrade' && each !== 'http2-settings');
  return options.length === 0 ? 'keep-alive' : options.join(', ');
}

/**
 * A response on a connection that node:http has given away: its last, unless that is a 101.
 * @param head bytes that came behind the head of the request
 */
export function lastResponse(message: IncomingMessage, socket: Socket, head: Buffer): ServerResponse {
  if (head.length > 0) socket.unshift(head);
  socket.on('error', () => socket.destroy());
  const response = new ServerResponse(message);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  const drained = (): void => void response.emit('drain');
  socket.on('drain', drained);
  response.once('close', () => socket.off('drain', drained));
  response.once('finish', () => {
    response.detachSocket(socket);
    socket.resume();
    socket.end();
    socket.once('end', () => socket.destroySoon());
    response.emit('close');
  });
  return response;
}
