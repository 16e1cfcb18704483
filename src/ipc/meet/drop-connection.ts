import type { Socket } from 'node:net';
import { duplicateDescriptor } from '../../os/descriptor.ts';
import { descriptorOf } from '../../os/node-socket.ts';
import { closeWithDescriptors } from '../../os/socket.ts';

/** Connections that {@link holdUnread} has seen. */
const held = new WeakSet<Socket>();

/**
 * Sees that no closing of a connection waits, of which nothing is read: on kernels that cannot refuse them it
 * may hold descriptors of any kind, whose closing may wait. That is done elsewhere, whoever closes the
 * connection: Node.js does when a write fails. Costs a descriptor until then.
 */
export function holdUnread(socket: Socket): void {
  if (held.has(socket)) return;
  try {
    const fd = duplicateDescriptor(descriptorOf(socket));
    held.add(socket);
    socket.once('close', () => closeWithDescriptors(fd));
  } catch {
    // It is closed already, or there are no descriptors left.
  }
}

/** Closes a connection of which nothing was read, without waiting. */
export function dropConnection(socket: Socket): void {
  holdUnread(socket);
  socket.destroy();
}
