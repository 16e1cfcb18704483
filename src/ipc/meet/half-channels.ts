import type { Socket } from 'node:net';
import type { Credentials } from '../../memory/acl.ts';
import { closeDescriptor } from '../../os/descriptor.ts';
import { descriptorOf } from '../../os/node-socket.ts';
import { receiveDescriptor } from '../../os/socket.ts';
import { isUnixSeqpacket } from '../../os/unix-connect.ts';
import { DESCRIPTOR_NOTE } from './rendezvous.ts';

/** First halves of channels that may wait for their second. */
const MAX_HALVES = 256;

interface HalfChannel {
  readonly socket: Socket;
  readonly peer: Credentials;
  readonly timer: NodeJS.Timeout;
}

/**
 * Connections that bring a descriptor socket and wait, for a short time, for the message socket that goes
 * with it.
 */
export class HalfChannels {
  readonly #timeout: number;
  /** By token, the oldest first. */
  readonly #halves = new Map<string, HalfChannel>();

  /** @param timeout in milliseconds */
  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  /**
   * A connection that was accepted paused. The oldest one goes when there are too many; a token counts once.
   */
  add(token: string, socket: Socket, peer: Credentials): void {
    for (const oldest of this.#halves.keys()) {
      if (this.#halves.size < MAX_HALVES) break;
      this.#drop(oldest);
    }
    if (this.#halves.has(token)) {
      socket.destroy();
      return;
    }
    const timer = setTimeout(() => this.#drop(token), this.#timeout).unref();
    this.#halves.set(token, { socket: socket.unref(), peer, timer });
  }

  /**
   * The descriptor socket that `peer` has sent under this token, which the caller closes; undefined when
   * there is none, or another process sent it, or it is something else.
   */
  take(token: string, peer: Credentials): number | undefined {
    const half = this.#halves.get(token);
    if (half === undefined) return undefined;
    const { pid, uid, gid } = half.peer;
    if (pid !== peer.pid || uid !== peer.uid || gid !== peer.gid) return undefined;
    try {
      return receiveSocket(descriptorOf(half.socket));
    } finally {
      this.#drop(token);
    }
  }

  clear(): void {
    for (const token of this.#halves.keys()) this.#drop(token);
  }

  #drop(token: string): void {
    const half = this.#halves.get(token);
    if (half === undefined) return;
    this.#halves.delete(token);
    clearTimeout(half.timer);
    half.socket.destroy();
  }
}

function receiveSocket(connection: number): number | undefined {
  const received = receiveDescriptor(connection);
  if (typeof received !== 'object') return undefined;
  const { fd, note } = received;
  if (note.equals(DESCRIPTOR_NOTE) && isUnixSeqpacket(fd)) return fd;
  closeDescriptor(fd);
  return undefined;
}
