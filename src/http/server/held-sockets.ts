import type { Socket } from 'node:net';
import { descriptorOf, holdReading, releaseReading } from '../../os/node-socket.ts';
import { hasHungUp } from '../../os/poll.ts';

const LOOK_INTERVAL_MS = 1000;

/** Connections from which nothing is read for a while: that their clients leave is seen within a second. */
export class HeldSockets {
  readonly #held = new Set<Socket>();
  #timer: NodeJS.Timeout | undefined;

  hold(socket: Socket): void {
    holdReading(socket);
    this.#held.add(socket);
    this.#timer ??= setInterval(() => this.#look(), LOOK_INTERVAL_MS).unref();
  }

  release(socket: Socket): void {
    releaseReading(socket);
    this.#held.delete(socket);
    if (this.#held.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** As node:http does where a client ends its side before it has all answers. */
  #look(): void {
    for (const socket of this.#held) {
      const isOver = socket.destroyed || hasHungUp(descriptorOf(socket));
      if (!isOver) continue;
      this.release(socket);
      socket.destroySoon();
    }
  }
}
