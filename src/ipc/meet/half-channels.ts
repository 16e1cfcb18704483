import type { Socket } from 'node:net';
import type { Credentials } from '../../memory/acl.ts';
import { duplicateDescriptor } from '../../os/descriptor.ts';
import { descriptorOf } from '../../os/node-socket.ts';
import { dropConnection } from './drop-connection.ts';

/** First halves of channels that may wait for their second. */
const MAX_HALVES = 256;

interface HalfChannel {
  readonly socket: Socket;
  readonly peer: Credentials;
  readonly timer: NodeJS.Timeout;
}

/** Descriptor sockets that wait, for a short time, for the message socket that goes with each. */
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
      dropConnection(socket);
      return;
    }
    const timer = setTimeout(() => this.#drop(token), this.#timeout).unref();
    this.#halves.set(token, { socket: socket.unref(), peer, timer });
  }

  /** Whether one waits under this token. */
  has(token: string): boolean {
    return this.#halves.has(token);
  }

  /**
   * The descriptor socket that `peer` has connected under this token, which the caller closes; undefined when
   * there is none, or it is another process's.
   * @throws SystemError: EMFILE
   */
  take(token: string, peer: Credentials): number | undefined {
    const half = this.#halves.get(token);
    if (half === undefined) return undefined;
    const { pid, uid, gid } = half.peer;
    if (pid !== peer.pid || uid !== peer.uid || gid !== peer.gid) return undefined;
    try {
      // Nothing was read of it: the channel has a descriptor of its own of the same connection.
      return duplicateDescriptor(descriptorOf(half.socket));
    } finally {
      this.#halves.delete(token);
      clearTimeout(half.timer);
      half.socket.destroy();
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
    dropConnection(half.socket);
  }
}
