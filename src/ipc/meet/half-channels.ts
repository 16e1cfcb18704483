import type { Socket } from 'node:net';
import type { Credentials } from '../../memory/acl.ts';
import { closeDescriptor } from '../../os/descriptor.ts';
import { descriptorOf } from '../../os/node-socket.ts';
import { receiveDescriptor } from '../../os/socket.ts';
import { isUnixSeqpacket } from '../../os/unix-connect.ts';
import { DESCRIPTOR_NOTE } from './rendezvous.ts';

/** First halves of channels that may wait for their second. */
const MAX_ARRIVALS = 256;

interface Arrival {
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
  readonly #arrivals = new Map<string, Arrival>();

  /** @param timeout in milliseconds */
  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  /**
   * A connection that was accepted paused. The oldest one goes when there are too many; a token counts once.
   */
  add(token: string, socket: Socket, peer: Credentials): void {
    for (const oldest of this.#arrivals.keys()) {
      if (this.#arrivals.size < MAX_ARRIVALS) break;
      this.#drop(oldest);
    }
    if (this.#arrivals.has(token)) {
      socket.destroy();
      return;
    }
    const timer = setTimeout(() => this.#drop(token), this.#timeout).unref();
    this.#arrivals.set(token, { socket: socket.unref(), peer, timer });
  }

  /**
   * The descriptor socket that `peer` has sent under this token, now the caller's; undefined when there is
   * none, or another process sent it, or it is something else.
   */
  take(token: string, peer: Credentials): number | undefined {
    const arrival = this.#arrivals.get(token);
    if (arrival === undefined) return undefined;
    const { pid, uid, gid } = arrival.peer;
    if (pid !== peer.pid || uid !== peer.uid || gid !== peer.gid) return undefined;
    try {
      return receiveSocket(descriptorOf(arrival.socket));
    } finally {
      this.#drop(token);
    }
  }

  clear(): void {
    for (const token of this.#arrivals.keys()) this.#drop(token);
  }

  #drop(token: string): void {
    const arrival = this.#arrivals.get(token);
    if (arrival === undefined) return;
    this.#arrivals.delete(token);
    clearTimeout(arrival.timer);
    arrival.socket.destroy();
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
