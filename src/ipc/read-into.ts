import { Socket } from 'node:net';

/** Most bytes read at once. */
const BYTES = 64 * 1024;

/**
 * A socket over a descriptor, which it takes over, that reads into one buffer: to make one for each read costs more than
 * the reading. `received` is to be done with the bytes when it returns.
 */
export function readInto(fd: number, received: (bytes: Buffer) => void): Socket {
  const buffer = Buffer.allocUnsafeSlow(BYTES);
  const callback = (count: number): boolean => {
    received(buffer.subarray(0, count));
    return true;
  };
  const options = { fd, readable: true, writable: true, onread: { buffer, callback } };
  return new Socket(options);
}
