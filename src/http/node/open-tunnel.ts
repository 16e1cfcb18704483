import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { ArgumentError } from '../../base/error.ts';
import type { Answer, Tunnel } from '../message/exchange.ts';
import { isField, pairsOf } from '../message/header-list.ts';

/**
 * Sends a 101 and gives the connection to what it is for now. @returns bytes of the body: none
 * @throws ERR_IOLITE_ARGUMENT for fields that cannot be sent; the tunnel is abandoned
 */
export function openTunnel(response: ServerResponse, { headers }: Answer, tunnel: Tunnel): number {
  const { socket } = response;
  let head = `HTTP/1.1 101 ${STATUS_CODES[101]}\r\nConnection: Upgrade\r\n`;
  const fields: [string, string][] = [['Upgrade', tunnel.protocol], ...pairsOf(headers)];
  for (const [name, value] of fields) {
    if (!isField(name, value) || socket === null) {
      tunnel.abandon();
      throw new ArgumentError(`Cannot upgrade: a field that can be sent is wanted, ${name} was given`);
    }
    head += `${name}: ${value}\r\n`;
  }
  (socket as Socket).write(`${head}\r\n`, 'latin1');
  response.detachSocket(socket as Socket);
  tunnel.open(socket as Socket);
  response.emit('close');
  return 0;
}
