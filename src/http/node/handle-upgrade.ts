import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Handler } from '../message/exchange.ts';
import { handle, serverRequest } from './node-adapter.ts';
import { asksForUpgrade, lastResponse } from './upgrade-request.ts';

/**
 * Has a handler answer a request to go over to another protocol, as a server's 'upgrade' tells of it: with a
 * 101 that begins one, or with another response, behind which the connection ends; 404 if it declines.
 * @param head bytes that came behind the head of the request
 * @throws what the handler failed with, unless the client is gone
 */
export async function handleUpgrade(
  handler: Handler,
  message: IncomingMessage,
  socket: Socket,
  head: Buffer,
): Promise<void> {
  const upgrade = asksForUpgrade(message) ? message.headers.upgrade : undefined;
  const response = lastResponse(message, socket, head);
  const isAnswered = await handle(handler, serverRequest(message, { response, upgrade }), response);
  if (!isAnswered) response.writeHead(404).end();
}
