import { peekDescriptor, skipDescriptor } from '../../src/os/socket.ts';

/** Looks at the next descriptor in a socket, and takes it out if it is one. */
export function takeDescriptor(socket: number): ReturnType<typeof peekDescriptor> {
  const found = peekDescriptor(socket);
  if (typeof found === 'object') skipDescriptor(socket);
  return found;
}
