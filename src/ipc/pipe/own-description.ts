import { constants, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { isatty, ReadStream, WriteStream } from 'node:tty';
import { systemError } from '../../base/error.ts';
import { duplicateDescriptor } from '../../os/descriptor.ts';
import type { PipeEnd } from './pipe-identity.ts';

/** What a descriptor leads to, as far as it matters for how one waits for it. */
type DescriptorKind = 'pipe' | 'socket' | 'terminal' | 'file';

/** A descriptor that this process has beside the one it was given, and closes. */
export interface OwnDescription {
  readonly fd: number;
  readonly kind: DescriptorKind;
  /** Whether a call that would have to wait answers EAGAIN instead. */
  readonly isNonBlocking: boolean;
}

const FLAGS: Record<PipeEnd, number> = { read: constants.O_RDONLY, write: constants.O_WRONLY };

/** What is behind a descriptor. @param operation begins the message. @throws SystemError: EBADF */
function kindOf(fd: number, operation: string): DescriptorKind {
  try {
    const stats = fstatSync(fd);
    if (stats.isFIFO()) return 'pipe';
    if (stats.isSocket()) return 'socket';
    return isatty(fd) ? 'terminal' : 'file';
  } catch (error) {
    throw systemError(error, operation);
  }
}

/**
 * A descriptor for one end of what `fd` leads to, non-blocking. Of a pipe or terminal it is an open file
 * description of our own: others who share that of `fd` notice nothing. Where there can be none (a socket, a
 * pipe that another user has made) it is one of the same description, as node:process has it of its
 * standard streams.
 * @param operation begins the message
 * @throws SystemError: EMFILE; EPIPE for a named pipe that nobody reads
 */
export function ownDescription(fd: number, end: PipeEnd, operation: string): OwnDescription {
  const kind = kindOf(fd, operation);
  if (kind === 'pipe' || kind === 'terminal') {
    try {
      const flags = FLAGS[end] | constants.O_NONBLOCK | constants.O_NOCTTY;
      const own = openSync(process.platform === 'linux' ? `/proc/self/fd/${fd}` : `/dev/fd/${fd}`, flags);
      // Elsewhere /dev/fd gives the same description once more.
      return { fd: own, kind, isNonBlocking: process.platform === 'linux' };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EACCES' && code !== 'ENXIO' && code !== 'ENOENT') throw systemError(error, operation);
    }
  }
  return { fd: duplicateDescriptor(fd), kind, isNonBlocking: false };
}

/** Where bytes are put that a stream reads, and who is told; see `onread` of net.Socket. */
export interface OnRead {
  readonly buffer: () => Uint8Array;
  readonly callback: (count: number) => boolean;
}

/** A stream of Node's that reads a description of a pipe, socket or terminal, and closes it. */
export function readingStream({ fd, kind }: OwnDescription, onread: OnRead): Socket {
  const options = { readable: true, writable: false, onread, manualStart: true };
  return kind === 'terminal' ? new ReadStream(fd, options as object) : new Socket({ fd, ...options });
}

/** One that writes it. */
export function writingStream({ fd, kind }: OwnDescription): Socket {
  return kind === 'terminal' ? new WriteStream(fd) : new Socket({ fd, readable: false, writable: true });
}
