import type { Socket } from 'node:net';
import { duplicateDescriptor } from '../../os/descriptor.ts';
import { descriptorOf } from '../../os/node-socket.ts';
import { closeWithDescriptors } from '../../os/socket.ts';

/**
 * Closes a connection of which nothing was read. On kernels that cannot refuse them it may hold descriptors
 * of any kind, whose closing may wait: that is done elsewhere.
 */
export function dropConnection(socket: Socket): void {
  try {
    const fd = duplicateDescriptor(descriptorOf(socket));
    socket.once('close', () => closeWithDescriptors(fd));
  } catch {
    // It is closed already, or there are no descriptors left.
  }
  socket.destroy();
}
