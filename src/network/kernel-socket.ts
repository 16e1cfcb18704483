import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { sharedMemoryIsSupported } from '../memory/support.ts';
import { descriptorOf } from '../os/node-socket.ts';

/**
 * The descriptor behind a stream whose bytes go through a socket of the kernel as they are: a connected
 * net.Socket without TLS. Undefined for every other stream, and where libc cannot be called. Node keeps and
 * closes it.
 */
export function kernelSocket(stream: unknown): number | undefined {
  if (!(stream instanceof Socket) || stream instanceof TLSSocket) return undefined;
  if (stream.connecting || stream.destroyed || !sharedMemoryIsSupported()) return undefined;
  return descriptorOf(stream);
}
